/** Statuses as shapes: none is told by its colour alone. */

import { s } from "./dom.js";

/** Each status has a shape of its own; the same one is the cap of a timeline. */
const SHAPES = {
  queued: () => [s("circle", { cx: 6, cy: 6, r: 4.5, class: "tl-hollow" })],
  running: () => [
    s("circle", { cx: 6, cy: 6, r: 4.5, class: "tl-hollow" }),
    s("line", { x1: 6, y1: 6, x2: 6, y2: 1.5, class: "tl-hand" }),
  ],
  canceling: () => [
    s("circle", { cx: 6, cy: 6, r: 4.5, class: "tl-hollow" }),
    s("path", { d: "M6 1.5a4.5 4.5 0 0 0 0 9z" }),
  ],
  succeeded: () => [s("circle", { cx: 6, cy: 6, r: 5.25 })],
  failed: () => [s("path", { d: "M1.5 1.5l9 9m0-9l-9 9", class: "tl-cross" })],
  canceled: () => [s("rect", { x: 4, y: 0.5, width: 4, height: 11 })],
};

/** The parts of a status's shape, 12 by 12. */
export const shape = (status) => (SHAPES[status] ?? SHAPES.queued)();

/** A status as a shape of 12 by 12; it goes beside the word, never without it. */
export function glyph(status) {
  const attributes = {
    class: `tl-glyph tl-${status}`,
    viewBox: "0 0 12 12",
    width: 12,
    height: 12,
  };
  return s("svg", { ...attributes, "aria-hidden": "true" }, shape(status));
}
