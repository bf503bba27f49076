/** The picture of one task: a lane per attempt, ticks per checkpoint, gaps with their length. */

import { s } from "./dom.js";
import { geometry } from "./geometry.js";
import { shape } from "./glyphs.js";

/** About the width of a letter, to see whether a text has room. */
const LETTER = 7;

/** A story as SVG; `options` as in `geometry`. */
export function timeline(story, options = {}) {
  const picture = geometry(story, options);
  const { width, height, large } = picture;
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  return s(
    "svg",
    {
      class: large ? "tl tl-large" : "tl tl-compact",
      role: "img",
      "aria-label": picture.label,
      ...size,
    },
    large && axis(picture),
    picture.gaps.map((gap) => drawGap(gap, picture)),
    picture.lanes.map((lane) => drawLane(lane, picture)),
    story.open && picture.lanes.at(-1)?.open && nowEdge(picture),
    cap(picture),
  );
}

function axis({ axis: ticks, bottom, left, right }) {
  const end = (tick) => (tick.end ? "tl-label tl-end" : "tl-label");
  const anchor = (tick) => (tick.x > right - 24 ? "end" : tick.x < left + 12 ? "start" : "middle");
  const line = { x1: left, x2: right, y1: bottom, y2: bottom, class: "tl-axis" };
  return s(
    "g",
    {},
    s("line", line),
    ticks.map((tick) => [
      s("line", { x1: tick.x, x2: tick.x, y1: bottom, y2: bottom + 5, class: "tl-axis" }),
      s(
        "text",
        {
          x: anchor(tick) === "end" ? tick.x + 8 : tick.x,
          y: bottom + 19,
          class: end(tick),
          "text-anchor": anchor(tick),
        },
        tick.label,
      ),
    ]),
  );
}

function drawLane(lane, { large, left }) {
  const { y, bar, from, to, kept } = lane;
  const top = y - bar / 2;
  const label = left > 40 ? `attempt ${lane.number}` : String(lane.number);
  return s(
    "g",
    { class: `tl-lane${lane.open ? " tl-open" : ""}` },
    s("title", {}, lane.title),
    large && s("text", { x: 0, y: y + 4, class: "tl-label" }, label),
    s("rect", {
      x: from,
      y: top,
      width: Math.max(to - from, 1),
      height: bar,
      class: "tl-bar tl-light",
    }),
    s("rect", {
      x: from,
      y: top,
      width: Math.max(kept - from, 0),
      height: bar,
      class: "tl-bar tl-kept",
    }),
    lane.cancelAsked &&
      s("rect", {
        x: lane.cancelAsked,
        y: top,
        width: Math.max(to - lane.cancelAsked, 1),
        height: bar,
        class: "tl-stopping",
      }),
    lane.ticks.map((tick) => drawTick(tick, top, bar, large)),
    lane.marks.map((mark) => drawMark(mark, y + bar / 2 + 5)),
    lane.lost && torn(to, y, bar, large),
  );
}

/** In the large form a tick stands out of its bar; in the small one it is a notch. */
function drawTick(tick, top, bar, large) {
  const line = { x1: tick.x, x2: tick.x, y1: large ? top - 4 : top, y2: top + bar };
  const words = s("title", {}, `checkpoint ${tick.step}`);
  return s("line", { ...line, class: large ? "tl-tick" : "tl-notch" }, large && words);
}

function drawMark(mark, y) {
  const title = s("title", {}, mark.text);
  if (mark.weight === 0)
    return s("circle", { cx: mark.x, cy: y, r: 1.25, class: "tl-mark" }, title);
  const d = `M${mark.x} ${y - 3.5}l3.5 3.5l-3.5 3.5l-3.5 -3.5z`;
  return s("path", { d, class: mark.weight === 1 ? "tl-warning" : "tl-error" }, title);
}

/** Where an attempt broke off: a torn edge at its last sign of life. */
function torn(x, y, bar, large) {
  if (!large)
    return s("line", {
      x1: x,
      x2: x,
      y1: y - bar / 2 - 1.5,
      y2: y + bar / 2 + 1.5,
      class: "tl-torn",
    });
  const step = bar / 4;
  const d = `M${x} ${y - bar / 2 - 3}l2.5 ${step + 1.5}l-5 ${step}l5 ${step}l-2.5 ${step + 1.5}`;
  return s("path", { d, class: "tl-torn" });
}

/** A time without work: dotted, down to the next attempt, with its cause and its length. */
function drawGap(gap, { large, right }) {
  const drop = gap.next === gap.y ? "" : `V${gap.next}`;
  const line = s("path", {
    d: `M${gap.from} ${gap.y}H${gap.to}${drop}`,
    class: `tl-gap tl-gap-${gap.kind}`,
  });
  return s("g", {}, s("title", {}, gap.label), line, large && gapLabel(gap, right));
}

function gapLabel({ from, to, y, kind, note, label }, right) {
  const length = s("tspan", { class: "tl-length" }, label);
  if (!note)
    return (
      to - from > LETTER * label.length &&
      s("text", { x: (from + to) / 2, y: y - 6, "text-anchor": "middle" }, length)
    );
  const room = LETTER * (note.length + label.length + 2);
  const place = from + 8 + room > right ? { x: right, "text-anchor": "end" } : { x: from + 8 };
  const cause = s("tspan", { class: kind === "lost" ? "tl-bad" : "tl-label" }, `${note} `);
  return s("text", { ...place, y: y - 6 }, cause, length);
}

/** Now, while an attempt is at work: the edge that moves. */
function nowEdge({ cap: { x, y }, form }) {
  const half = form.bar / 2 + (form.bar > 6 ? 4 : 2);
  return s("line", { x1: x, x2: x, y1: y - half, y2: y + half, class: "tl-now" });
}

function cap({ cap: { x, y, status }, large }) {
  const half = 6;
  const place = `translate(${x + (large ? 4 : 2)} ${y - half})`;
  return s("g", { class: `tl-cap tl-${status}`, transform: place }, shape(status));
}
