/** Slots from tasks: Little's law, Erlang C, and what bursts and uneven durations add. */

// --8<-- [start:little]
/** Little's law: the slots that are busy on average. `rate` a second, `takes` in seconds. */
export const load = (rate, takes) => rate * takes;

/** Seconds until a backlog is gone; infinite if the slots can't keep up. */
export function drain(backlog, slots, rate, takes) {
  const spare = slots / takes - rate;
  return spare > 0 ? backlog / spare : Infinity;
}

// --8<-- [end:little]
// --8<-- [start:erlang]
/** Erlang C (Erlang 1917): the share of tasks that find every slot taken. */
export function mustWait(slots, busy) {
  if (slots <= busy) return 1;
  let blocked = 1;
  for (let slot = 1; slot <= slots; slot++) blocked = (busy * blocked) / (slot + busy * blocked);
  return blocked / (1 - (busy / slots) * (1 - blocked));
}

/** Average seconds from accepted to started. `spread` as in `spreadOf`. */
export function meanWait(slots, busy, takes, spread = 1) {
  return slots > busy ? (spread * mustWait(slots, busy) * takes) / (slots - busy) : Infinity;
}

/** The share of tasks that wait longer than `within` seconds. */
export function late(slots, busy, takes, within, spread = 1) {
  const spare = Math.max(0, slots - busy);
  return mustWait(slots, busy) * Math.exp((-spare * within) / (takes * spread));
}

/** The wait in seconds that `share` of all tasks stay below. */
export function waitOf(share, slots, busy, takes, spread = 1) {
  if (slots <= busy) return Infinity;
  const waiting = mustWait(slots, busy) / (1 - share);
  return waiting <= 1 ? 0 : (Math.log(waiting) * takes * spread) / (slots - busy);
}

/** The fewest slots with which `share` of all tasks start `within` so many seconds. */
export function slotsFor(rate, takes, within, share = 0.95, spread = 1) {
  const busy = load(rate, takes);
  return fewest(Math.floor(busy) + 1, (slots) => late(slots, busy, takes, within, spread) <= 1 - share);
}

/** The smallest number from `least` on that is enough, where all larger ones are, too. */
export function fewest(least, enough) {
  let [below, above] = [least - 1, least];
  while (!enough(above)) [below, above] = [above, 2 * above - least + 1];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    [below, above] = enough(middle) ? [below, middle] : [middle, above];
  }
  return above;
}

// --8<-- [end:erlang]
// --8<-- [start:spread]
/**
 * How much longer than Erlang's tasks these wait (Allen and Cunneen): half the sum of the squared
 * variations of arrivals (1 = random) and durations (1 = random, 0 = all alike).
 */
export const spreadOf = (arrivals, durations) => (arrivals + durations) / 2;

/** The squared variation of lognormal durations with this mean and 95th percentile. */
export function variation(mean, p95) {
  const sigma = sigmaOf(mean, p95);
  return Math.exp(sigma ** 2) - 1;
}

/** A percentile of the same durations; `z` is the normal one, 2.326 for the 99th. */
export function durationAt(z, mean, p95) {
  const sigma = sigmaOf(mean, p95);
  return mean * Math.exp(z * sigma - sigma ** 2 / 2);
}

// --8<-- [end:spread]
const Z95 = 1.6448536269514722;

/** Above 3.87 times the mean no lognormal has its 95th percentile: the widest one is taken. */
function sigmaOf(mean, p95) {
  const ratio = Math.log(Math.max(1, p95 / mean));
  return Z95 - Math.sqrt(Math.max(0, Z95 ** 2 - 2 * ratio));
}
