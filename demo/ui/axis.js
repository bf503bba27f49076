/** The time axis: round times, and an end that does not move at every moment. */

import { measured } from "./words.js";

const STEPS = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400,
];

/** Round times along the bottom, and the end when the task has one. */
export function axis(story, { x, start, stop, left, right }) {
  const seconds = (stop - start) / 1000;
  const room = Math.max(2, Math.floor((right - left) / 84));
  const step = STEPS.find((one) => seconds / one <= room) ?? Math.ceil(seconds / room);
  const ticks = [];
  for (let at = 0; at <= seconds + 1e-6; at += step)
    ticks.push({ x: x(start + at * 1000), label: clock(at, step) });
  if (story.open) return ticks;
  const end = { x: x(story.finished), label: measured(story.finished - start), end: true };
  return [...ticks.filter((tick) => Math.abs(tick.x - end.x) > 56), end];
}

/** "40 s", "2 min", "1:30 h". */
function clock(seconds, step) {
  if (seconds === 0 || (step < 60 && seconds < 120)) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (number) => String(number).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
  return step < 60 ? `${minutes}:${two(seconds % 60)} min` : `${minutes} min`;
}

/** The next round length, at most a third longer. */
export function roundUp(ms) {
  const wanted = Math.max(ms, 4000) * 1.04;
  const unit = 1000 * 10 ** Math.floor(Math.log10(wanted / 1000));
  return unit * [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => unit * factor >= wanted);
}
