/** Where everything of a task's picture lies: plain numbers, no document. */

import { axis, roundUp } from "./axis.js";
import { LOST, describe, ending, measured } from "./words.js";

const FORMS = {
  compact: { top: 2, bottom: 2, lane: 20, left: 2, right: 14, bar: 8, lanes: 5, density: 3 },
  large: { top: 22, bottom: 26, lane: 36, left: 78, right: 22, bar: 12, lanes: 12, density: 3 },
};
const NARROW = 520;
const COMPACT_HEIGHT = 24;

/**
 * The picture of a story as numbers. While the task is open its axis ends at a round time, so that
 * the edge of now moves and the past stands still.
 */
export function geometry(
  story,
  { now = Date.now(), width = 320, large = false, until = null } = {},
) {
  const form = { ...FORMS[large ? "large" : "compact"] };
  if (large && width < NARROW) form.left = 30;
  const start = story.created ?? now;
  const head = story.open ? Math.max(now, story.latest ?? now) : story.finished;
  const stop = until ?? (story.open ? start + roundUp(head - start) : Math.max(head, start + 50));
  const right = width - form.right;
  const x = (at) =>
    form.left + ((Math.min(at, stop) - start) / (stop - start)) * (right - form.left);
  const count = Math.min(Math.max(story.attempts.length, 1), form.lanes);
  if (!large) Object.assign(form, { lane: 20 / count, bar: Math.max(2, Math.min(8, 14 / count)) });
  const y = (index) => form.top + form.lane * (laneOf(index, story, form) + 0.5);
  const height = large ? form.top + form.lane * count + form.bottom : COMPACT_HEIGHT;
  const lanes = story.attempts.map((attempt, index) =>
    lane(attempt, y(index), { x, head, form, large }),
  );
  return {
    width,
    height,
    large,
    form,
    head,
    lanes,
    left: form.left,
    right,
    bottom: height - form.bottom,
    gaps: gaps(story, { x, y, head, start }),
    axis: large ? axis(story, { x, start, stop, left: form.left, right }) : [],
    cap: {
      x: x(head),
      y: y(Math.max(story.attempts.length - 1, 0)),
      status: story.status ?? "queued",
    },
    label: describe(story, head),
  };
}

/** Attempts never overlap in time: the oldest share the first lane when there are too many. */
const laneOf = (index, story, form) =>
  Math.max(0, index - Math.max(0, story.attempts.length - form.lanes));

function lane(attempt, y, { x, head, form, large }) {
  const to = attempt.ending ? attempt.last : head;
  const done = attempt.ending === "succeeded";
  const safe = done ? to : Math.min(attempt.lastCheckpoint ?? attempt.from, to);
  return {
    y,
    number: attempt.number,
    bar: form.bar,
    from: x(attempt.from),
    to: Math.max(x(to), x(attempt.from) + 1),
    kept: x(safe),
    open: !attempt.ending,
    ending: attempt.ending,
    lost: LOST.has(attempt.ending),
    cancelAsked: attempt.cancelAsked ? x(attempt.cancelAsked) : null,
    ticks: spread(attempt.checkpoints, x, large ? form.density : 4),
    marks: large ? marks(attempt.logs, x) : [],
    title: `attempt ${attempt.number}${attempt.worker ? `, worker ${attempt.worker}` : ""}`,
  };
}

/** Checkpoints as ticks, never so many that they become a bar of their own. */
function spread(checkpoints, x, density) {
  const ticks = [];
  for (const point of checkpoints) {
    const tick = { x: x(point.at), step: point.step, at: point.at };
    if (!ticks.length || tick.x - ticks.at(-1).x >= density) ticks.push(tick);
  }
  return ticks;
}

const WEIGHT = { warning: 1, error: 2, critical: 2 };

/** Log lines as marks, the gravest of those that would overlap. */
function marks(logs, x) {
  const found = [];
  for (const log of logs) {
    const mark = {
      x: x(log.at),
      weight: WEIGHT[log.level] ?? 0,
      text: `${log.level}: ${log.message}`,
    };
    const before = found.at(-1);
    if (!before || mark.x - before.x >= 5) found.push(mark);
    else if (mark.weight > before.weight) Object.assign(before, { ...mark, x: before.x });
  }
  return found;
}

/** The times without work: before the first attempt, between two, and until now. */
function gaps(story, { x, y, head, start }) {
  const found = [];
  const add = (from, to, index, next, before = null) => {
    const [kind, note] = [
      before && LOST.has(before.ending) ? "lost" : "queued",
      before && ending(before.ending),
    ];
    if (to > from)
      found.push({
        from: x(from),
        to: x(to),
        y: y(index),
        next: y(next),
        kind,
        note,
        label: measured(to - from),
      });
  };
  story.attempts.forEach((attempt, index) => {
    if (index === 0) return add(start, attempt.from, 0, 0);
    const before = story.attempts[index - 1];
    return add(before.last, attempt.from, index - 1, index, before);
  });
  const last = story.attempts.at(-1);
  if (!last) add(start, head, 0, 0);
  else if (last.ending)
    add(last.last, head, story.attempts.length - 1, story.attempts.length - 1, last);
  return found;
}
