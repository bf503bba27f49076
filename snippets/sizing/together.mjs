/** Several kinds in one system: pools and nodes of their own; one API, database and broker for all. */

import { SLOT, serverFor, surge, valkey } from "./nodes.mjs";
import { amount, apiNodes, apiPods, rest, serverSaid } from "./plan.mjs";

/**
 * What the plans of several kinds come to.
 *
 * @param plans as `plan()` returns them, each of another kind
 * @param host what one process needs, as `measured()` returns it
 * @returns the sums by name, with `steps` as those of a plan
 */
// --8<-- [start:together]
export function together(plans, host) {
  const names = plans.map(({ asked }) => asked.name);
  if (new Set(names).size < names.length) throw new TypeError(`name: two kinds are called ${names.sort().at(-1)}`);
  const sum = (of) => plans.reduce((all, one) => all + of(one), 0);
  const steps = [];
  const step = (name, formula, result) => steps.push({ name, formula, result });
  const pods = sum((one) => one.pods);
  step("Pods", plans.map((one) => `${one.pods} ${one.asked.name}`).join(" + "), amount(pods));
  const nodes = sum((one) => one.nodes);
  step("Nodes", "a pool for each kind: pods of one size fill whole nodes", amount(nodes));
  const quota = sum((one) => one.most + surge(one.most));
  step("Quota", "ceilings, each with its surge", `${amount(quota)} nodes`);
  const asked = { rate: sum((one) => one.rate), polls: sum((one) => one.polls), streams: sum((one) => one.streams) };
  const zones = Math.max(...plans.map((one) => one.asked.zones));
  const replicas = apiPods(asked, plans[0].room, zones, host);
  step("API pods", `${amount(asked.rate)}/s submitted, ${amount(asked.streams)} streams`, `${replicas}`);
  const beside = Math.max(...plans.map((one) => apiNodes(replicas, one.asked)));
  step("Other nodes", "a pool for API and dispatchers, and 3 of 8 vCPU for the system, one a zone", `${beside} + 3`);
  const others = rest(replicas, host);
  const slots = sum((one) => one.ceiling * one.each);
  const kept = slots * SLOT.kept + others.postgres;
  const most = slots * SLOT.most + others.postgres;
  step("PostgreSQL connections", `${amount(slots)} · ${SLOT.kept} + ${others.postgres} for the rest, once`, amount(kept));
  const server = serverFor(kept);
  step("Smallest server", `on its worst day ${amount(most)}`, serverSaid(server));
  const broker = sum((one) => valkey(one.ceiling, one.each)) + others.valkey;
  step("Valkey connections", "slots, two a pod, and the rest", amount(broker));
  return { names, pods, nodes, quota, replicas, room: plans[0].room, postgres: { kept, most, server }, valkey: broker, steps };
}

// --8<-- [end:together]
