/** From a profile of tasks to slots, pods, nodes and connections, each step with its arithmetic. */

import { drain, load, late, meanWait, mustWait, slotsFor, spreadOf, variation, waitOf } from "./erlang.mjs";
import {
  SERVERS, SLOT, allocatable, nodesFor, nodesHeld, podsPerNode, serverFor, surge, there, valkey,
} from "./nodes.mjs";

/** What the shipped figures say of one process; `make measure` says it of yours. */
export function measured({ figures }) {
  const value = (name) => figures[name].value;
  return {
    worker: value("worker-memory"),
    slot: value("slot-memory"),
    submits: value("submit-rate"),
    statuses: value("status-rate"),
    stream: value("stream-memory"),
    pool: value("api-pool"),
  };
}

const DISPATCHERS = 2;
const [API_CPU, DISPATCHER_CPU] = [1, 0.25];

/** Busy slots that one cluster can't hold: 5,000 nodes with 64 of them each. */
const NO_CLUSTER = 320000;

/**
 * Everything that follows from a profile. Throws a TypeError for more than a cluster holds.
 *
 * @param asked a profile as `profile()` returns it
 * @param host what one process needs, as `measured()` returns it
 * @returns the numbers by name, with `steps`: a list of `{name, formula, result}` to be shown
 */
export function plan(asked, host) {
  const found = { asked, host, steps: [] };
  const step = (name, formula, result) => found.steps.push({ name, formula, result });
  for (const part of [slots, pods, autoscaler, nodes, api, connections, badHour]) {
    Object.assign(found, part(found, step));
  }
  return found;
}

// --8<-- [start:slots]
function slots({ asked }, step) {
  const { hourly, takes, within, share, bursts, p95 } = asked;
  const rate = hourly / 3600;
  const busy = load(rate, takes);
  if (busy > NO_CLUSTER) throw new TypeError(`${amount(busy)} busy slots are more than one cluster holds.`);
  step("Busy slots", `λ · S = ${amount(hourly)}/h · ${time(takes)}`, amount(busy));
  const uneven = p95 ? variation(takes, p95) : 1;
  const spread = spreadOf(bursts, uneven);
  step("Waits stretch by", `(Ca² + Cs²) / 2 = (${amount(bursts)} + ${amount(uneven)}) / 2`, amount(spread));
  const needed = slotsFor(rate, takes, within, share, spread);
  const wanted = `${percent(1 - share)} may wait longer than ${time(within)}`;
  step("Slots", `Erlang C: fewest slots where ${wanted}`, `${needed}`);
  step("Of them busy", `${amount(busy)} / ${needed}`, percent(busy / needed));
  step("Tasks that wait at all", "Erlang C", percent(mustWait(needed, busy)));
  step("Mean wait", "C · S / (c − a) · stretch", time(meanWait(needed, busy, takes, spread)));
  step(`${percent(share)} wait less than`, "", time(waitOf(share, needed, busy, takes, spread)));
  step("Start too late", "", percent(late(needed, busy, takes, within, spread)));
  return { rate, busy, uneven, spread, slots: needed };
}

// --8<-- [end:slots]
// --8<-- [start:pods]
/** Long tasks want a pod of their own, short ones share the worker's parent. */
const slotsByRule = (takes) => (takes >= 600 ? 1 : takes >= 60 ? 2 : 8);

function pods({ asked, host, slots }, step) {
  const each = asked.slots || slotsByRule(asked.takes);
  step("Slots a pod", asked.slots ? "as said" : "10 min and longer 1, a minute 2, shorter 8", `${each}`);
  const own = host.worker + each * (host.slot + asked.memory);
  const memory = Math.ceil((own * 1.25) / 64) * 64;
  const parts = `(${amount(host.worker)} + ${each} · (${amount(host.slot)} + ${amount(asked.memory)})) · 1.25`;
  step("Memory of a pod", `${parts}, request = limit`, `${memory} MiB`);
  const cpu = Math.ceil(each * asked.cpu * 20) / 20;
  step("CPU of a pod", `${each} · ${asked.cpu}, request and no limit`, `${cpu}`);
  const count = Math.ceil(slots / each);
  step("Pods", `${slots} / ${each}`, `${count}`);
  return { each, memory, cpu, pods: count };
}

// --8<-- [end:pods]
// --8<-- [start:autoscaler]
/** Seconds until KEDA and the HPA have asked twice. */
const NOTICED = 60;

function autoscaler({ asked, busy, each, pods }, step) {
  const late = asked.within < asked.boot + NOTICED;
  const floor = late ? pods : Math.ceil(busy / each);
  const why = `${time(asked.within)} is ${late ? "less" : "more"} than a new node and a minute to notice`;
  step("Floor", `${why}: ${late ? "all pods" : "what is busy on average"}`, `${floor}`);
  const ceiling = Math.ceil(pods * 1.5);
  step("Ceiling", `1.5 · ${pods}`, `${ceiling}`);
  return { floor, ceiling };
}

// --8<-- [end:autoscaler]
function nodes({ asked, cpu, memory, pods, floor, ceiling }, step) {
  const { vm, maxPods, zones, spot, away, target } = asked;
  const [cpus, left] = allocatable(vm, maxPods);
  step(`A ${vm} gives`, `what AKS leaves at ${maxPods} allowed pods`, `${cpus.toFixed(2)} CPU, ${left.toFixed(2)} GB`);
  const daemons = { cpu: asked.daemonCpu, memory: asked.daemonMemory / 1024, pods: 12 };
  const fit = podsPerNode(vm, { cpu, memory: memory / 1024 }, maxPods, daemons);
  step("Pods a node", `whole pods beside ${asked.daemonCpu} CPU and ${amount(asked.daemonMemory)} MiB of DaemonSets`, `${fit}`);
  if (!fit) return { fit, nodes: Infinity, regular: Infinity, spots: 0, most: Infinity };
  const [full, zoned] = [Math.ceil(pods / fit), nodesFor(pods, fit, zones)];
  step("Nodes", zones > 1 ? `with one of ${zones} zones gone` : `${pods} / ${fit}`, `${zoned}`);
  const all = Math.max(zoned, nodesHeld(full, away, target));
  const held = (100 * there(all, full, away)).toFixed(3);
  const asking = Number((100 * target).toFixed(3));
  step("With a reserve", `${full} are there ${held}% of the time (binomial), ${asking}% is asked`, `${all}`);
  const regular = Math.max(nodesFor(floor, fit, zones), Math.ceil(all * (1 - spot)));
  if (spot) step("Of them Spot", "above the floor only", `${all - regular}`);
  const most = Math.max(all, nodesFor(ceiling, fit, zones));
  step("Quota", `ceiling ${most} and ${surge(most)} of surge`, `${most + surge(most)} nodes`);
  return { fit, nodes: all, regular, spots: all - regular, most };
}

function api({ asked, host, rate, busy, slots, spread }, step) {
  const wait = meanWait(slots, busy, asked.takes, spread);
  const open = busy + rate * wait;
  step("Open tasks", "busy and waiting, Little's law again", amount(open));
  const streams = Math.ceil(open * asked.watchers);
  const polls = (open * asked.polls) / 60;
  const room = Math.min(2000, Math.floor((256 * 1024) / host.stream));
  step("Streams an API pod", `256 MiB / ${amount(host.stream)} KiB, at most 2,000`, amount(room));
  const replicas = apiPods({ rate, polls, streams }, room, asked.zones, host);
  const load = `${amount(rate)}/s submitted, ${amount(polls)}/s polled, ${amount(streams)} streams`;
  step("API pods", `${load}, a core half busy`, `${replicas}`);
  const beside = apiNodes(replicas, asked);
  step("Other nodes", "a pool for API and dispatchers, and 3 of 8 vCPU for the system, one a zone", `${beside} + 3`);
  return { streams, polls, room, replicas, beside };
}

/** Nodes for the API and the dispatchers, as the chart's values ask for them. */
export function apiNodes(replicas, { vm, maxPods, zones, daemonCpu }) {
  const [cpus] = allocatable(vm, maxPods);
  const room = Math.max(0.1, cpus - daemonCpu);
  return Math.max(zones > 1 ? 3 : 2, Math.ceil((replicas * API_CPU + DISPATCHERS * DISPATCHER_CPU) / room));
}

/** Cores half busy with what arrives and is polled; or pods full of streams. */
export function apiPods({ rate, polls, streams }, room, zones, host) {
  const cores = rate / (host.submits / 2) + polls / (host.statuses / 2);
  return Math.max(zones > 1 ? 3 : 2, Math.ceil(cores), Math.ceil(streams / room));
}

// --8<-- [start:budget]
/** What the parts beside the workers may open: the API twice while it is deployed. */
export const rest = (replicas, host) => ({
  postgres: 2 * replicas * host.pool + DISPATCHERS * 4 + 10,
  valkey: 2 * replicas + DISPATCHERS * 4,
});

function connections({ host, ceiling, each, replicas }, step) {
  const slots = ceiling * each;
  const others = rest(replicas, host);
  const kept = slots * SLOT.kept + others.postgres;
  const most = slots * SLOT.most + others.postgres;
  const sum = `${amount(slots)} · ${SLOT.kept} + ${others.postgres} for the rest`;
  step("PostgreSQL connections", `at the ceiling: ${sum}`, amount(kept));
  const server = serverFor(kept);
  step("Smallest server", `on its worst day ${amount(most)}`, serverSaid(server));
  const broker = valkey(ceiling, each) + others.valkey;
  step("Valkey connections", `${ceiling} · (${each} + 2) and the rest`, amount(broker));
  return { postgres: { kept, most, server }, valkey: broker };
}

// --8<-- [end:budget]
/** A server with what it gives. */
export const serverSaid = (server) =>
  server ? `${server}, ${amount(SERVERS[server])} of them` : "none: fewer slots, or a pooler";

function badHour({ asked, rate, slots }, step) {
  const backlog = Math.max(1, Math.round(asked.hourly));
  const gone = drain(backlog, slots, rate, asked.takes);
  step("One hour's tasks at once", "backlog / (c / S − λ)", `gone after ${time(gone)}`);
  return { gone };
}

/** A number with what can be told of it, thousands apart. */
export function amount(number) {
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  const short = Number(number.toFixed(digits));
  return short.toLocaleString("en", { maximumFractionDigits: digits });
}

/** Seconds, minutes or hours. */
export function time(seconds) {
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < 120) return `${amount(seconds)} s`;
  return seconds < 7200 ? `${amount(seconds / 60)} min` : `${amount(seconds / 3600)} h`;
}

const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
