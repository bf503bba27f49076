/** What somebody knows about their tasks, in the busiest hour, and its bounds. */

import { VMS } from "./nodes.mjs";

/**
 * The inputs of the calculator: a label, the unit, the value at first, and the bounds of a number.
 * Times are seconds, memory is MiB, `cpu` is cores.
 */
export const INPUTS = {
  name: { label: "Kind of task", text: /^[a-z][a-z0-9_]{0,19}$/, value: "reports" },
  hourly: { label: "Arrivals", unit: "an hour", value: 20, least: 0.01, most: 1e7 },
  bursts: { label: "Squared variation of arrivals", unit: "1 = random", value: 1, least: 0, most: 50 },
  takes: { label: "Duration, mean", unit: "s", value: 2400, least: 0.1, most: 1e6 },
  p95: { label: "Duration, 95th percentile", unit: "s, 0 = random", value: 0, least: 0, most: 1e7 },
  within: { label: "Must start within", unit: "s", value: 1200, least: 0, most: 1e6 },
  share: { label: "so many of them", unit: "of 1", value: 0.95, least: 0.5, most: 0.999 },
  step: { label: "Step between two checkpoints", unit: "s", value: 10, least: 0.01, most: 1e6 },
  cpu: { label: "CPU of one task", unit: "cores", value: 1, least: 0.01, most: 16 },
  memory: { label: "Memory of one task at its peak", unit: "MiB", value: 1500, least: 0, most: 60000 },
  slots: { label: "Slots a pod, 0 = by the rule", unit: "", value: 0, least: 0, most: 64, whole: true },
  watchers: { label: "Open streams a task", unit: "", value: 1, least: 0, most: 1000 },
  polls: { label: "Polls of an open task", unit: "a minute", value: 2, least: 0, most: 600 },
  vm: { label: "VM of the workers", choices: Object.keys(VMS), value: "D8s_v5" },
  maxPods: { label: "Allowed pods a node", unit: "", value: 110, least: 10, most: 250, whole: true },
  daemonCpu: { label: "DaemonSets: CPU", unit: "cores a node", value: 0.5, least: 0, most: 8 },
  daemonMemory: { label: "DaemonSets: memory", unit: "MiB a node", value: 1000, least: 0, most: 16000 },
  zones: { label: "Zones, one of which may go", unit: "1 = none", value: 1, least: 1, most: 3, whole: true },
  spot: { label: "Share of Spot above the floor", unit: "of 1", value: 0, least: 0, most: 1 },
  away: { label: "A node is away", unit: "of the time", value: 0.001, least: 0, most: 0.05 },
  target: { label: "Enough nodes are there", unit: "of the time", value: 0.99, least: 0.5, most: 0.99999 },
  boot: { label: "A new node takes", unit: "s", value: 240, least: 0, most: 900 },
  grace: { label: "Release grace", unit: "s", value: 20, least: 1, most: 3600 },
  signal: { label: "Signal of the autoscaler", choices: ["postgresql", "redis"], value: "postgresql" },
  ack: { label: "Hints are acknowledged", choices: ["early", "late"], value: "early" },
};

/** All inputs with their first values, `given` laid over them. Throws a TypeError for nonsense. */
export function profile(given = {}) {
  const unknown = Object.keys(given).filter((name) => !(name in INPUTS));
  if (unknown.length) throw new TypeError(`unknown: ${unknown.join(", ")}`);
  const entries = Object.entries(INPUTS).map(([name, input]) => [
    name,
    checked(name, input, given[name] ?? input.value),
  ]);
  return Object.fromEntries(entries);
}

function checked(name, { text, choices, least, most, whole }, value) {
  if (text && text.test(value)) return value;
  if (choices?.includes(value)) return value;
  const fits = value !== "" && Number(value) >= least && Number(value) <= most;
  if (fits && (!whole || Number.isInteger(Number(value)))) return Number(value);
  const wanted = text ? "a short lower-case name" : choices ? choices.join(" or ") : `${least} to ${most}`;
  throw new TypeError(`${name}: ${wanted}${whole ? ", a whole number" : ""}`);
}

/** The three worked examples of the guide. */
export const EXAMPLES = {
  reports: {},
  imports: {
    name: "imports", hourly: 600, takes: 300, within: 60, step: 5, slots: 2, cpu: 0.5, memory: 530,
  },
  scraping: {
    name: "scraping", hourly: 180000, takes: 10, within: 1, step: 1, slots: 8, cpu: 0.125, memory: 85,
  },
};
