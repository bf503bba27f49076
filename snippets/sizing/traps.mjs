/** What takes such systems down, checked against a plan. */

import { durationAt } from "./erlang.mjs";
import { VMS } from "./nodes.mjs";
import { amount, time } from "./plan.mjs";

const VISIBILITY = 3600;
const PREFETCH = 4;
const AUTOSCALER_GRACE = 600;
const DRAIN = 1800;
const SPOT_NOTICE = 30;
const MARGIN = 15;

// --8<-- [start:traps]
/** Each trap: when it bites, and what it says. `p` is a plan as `plan()` returns it. */
const TRAPS = {
  "does-not-fit": [
    (p) => p.fit === 0,
    (p) => `No pod of ${p.cpu} CPU and ${p.memory} MiB fits a ${p.asked.vm}. Take a larger VM or fewer slots a pod.`,
  ],
  "cpu-count": [
    (p) => p.each !== VMS[p.asked.vm][0],
    (p) => {
      const children = VMS[p.asked.vm][0];
      const memory = p.host.worker + children * (p.host.slot + p.asked.memory);
      const end = memory > p.memory ? `, and the pod dies at ${p.memory} MiB` : "";
      return `Without --concurrency Celery starts ${children} children, one for each CPU of the node: ${amount(memory)} MiB${end}. The files below say ${p.each}.`;
    },
  ],
  "blind-signal": [
    (p) => p.asked.signal === "redis",
    (p) => `A list's length doesn't count the ${amount(p.busy)} tasks that run: busy pods look idle and are scaled in. Celery's default prefetch also hides ${PREFETCH} waiting tasks a slot, ${amount(PREFETCH * p.slots)} in all.`,
  ],
  "scale-in": [
    () => true,
    (p) => `The HPA takes any pod, busy or not; a PodDisruptionBudget doesn't stop it. With release and checkpoints that repeats at most one step, ${time(p.asked.step)}.`,
  ],
  "grace-step": [
    (p) => p.asked.step > p.asked.grace,
    (p) => `A step of ${time(p.asked.step)} doesn't end within the grace of ${time(p.asked.grace)}: each deploy, drain and scale-in repeats up to one step in each slot.`,
  ],
  "drain-limit": [
    (p) => p.asked.grace + MARGIN > AUTOSCALER_GRACE,
    (p) => `The cluster autoscaler waits ${time(AUTOSCALER_GRACE)} for a pod and an upgrade's drain ${time(DRAIN)} by default; a grace of ${time(p.asked.grace)} needs both raised, or it is cut off.`,
  ],
  "connection-wall": [
    (p) => p.postgres.server === undefined || p.postgres.most > 4985,
    (p) => `The slots may open ${amount(p.postgres.most)} PostgreSQL connections on a bad day, and no server gives more than 4,985. Fewer and larger tasks, or a pooler in transaction mode.`,
  ],
  visibility: [
    (p) => p.asked.ack === "late" && tail(p) > VISIBILITY,
    (p) => `One task in a hundred takes ${time(tail(p))}. With late acknowledgement Redis hands it to a second worker after ${time(VISIBILITY)}, while the first still runs.`,
  ],
  spot: [
    (p) => p.asked.spot > 0 && Math.max(p.asked.grace, p.asked.step) + MARGIN > SPOT_NOTICE,
    (p) => `Spot gives ${SPOT_NOTICE} s. A grace of ${time(p.asked.grace)} and steps of ${time(p.asked.step)} don't fit: the lease brings those tasks back, each a step poorer.`,
  ],
  "late-nodes": [
    (p) => p.floor === p.pods && p.asked.within < p.asked.boot,
    (p) => `A node takes ${time(p.asked.boot)} and a task may wait ${time(p.asked.within)}: no autoscaler helps in time, so all ${p.pods} pods are the floor.`,
  ],
  hot: [
    (p) => p.gone > 4 * 3600,
    (p) => `A backlog of one hour takes ${time(p.gone)} to drain. If that day matters, size for it and not for the average hour.`,
  ],
  tail: [
    (p) => p.asked.p95 > 3.87 * p.asked.takes,
    (p) => `One task in twenty takes ${time(p.asked.p95)} and the average is ${time(p.asked.takes)}: these are two kinds. Give the long ones a queue of their own.`,
  ],
};

// --8<-- [end:traps]
/** The traps of a plan: `{id, text}` each. */
export function traps(plan) {
  return Object.entries(TRAPS)
    .filter(([, [bites]]) => bites(plan))
    .map(([id, [, text]]) => ({ id, text: text(plan) }));
}

/** All ids. */
export const TRAP_IDS = Object.keys(TRAPS);

/** The 99th percentile of durations. */
const tail = ({ asked }) =>
  asked.p95 ? durationAt(2.3263478740408408, asked.takes, asked.p95) : asked.takes * Math.log(100);
