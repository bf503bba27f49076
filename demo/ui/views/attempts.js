/** The attempts of a task as a table, each with how it ended in words. */

import { h } from "../dom.js";
import { LOST, about, measured } from "../words.js";

export function attemptsTable(story) {
  if (!story.attempts.length) return h("p", { class: "hint" }, "No worker has taken it yet.");
  const head = ["Attempt", "Worker", "Began after", "Ran", "Checkpoints", "How it ended"];
  const numeric = new Set(["Began after", "Ran", "Checkpoints"]);
  return h("table", {}, [
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((name) => h("th", { scope: "col", class: numeric.has(name) && "number" }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      story.attempts.map((attempt, index) => row(attempt, story.attempts[index + 1], story)),
    ),
  ]);
}

function row(attempt, next, story) {
  const end = attempt.ending ? attempt.last : story.latest;
  const number = (text) => h("td", { class: "number" }, text);
  return h("tr", {}, [
    h("th", { scope: "row" }, attempt.number),
    h("td", {}, attempt.worker ?? "not known"),
    number(measured(attempt.from - story.created)),
    number(measured(end - attempt.from)),
    number(attempt.count.toLocaleString("en")),
    h("td", {}, outcome(attempt, next)),
  ]);
}

const SIMPLE = { succeeded: "Succeeded.", canceled: "Canceled.", failed: "Failed." };

function outcome(attempt, next) {
  if (!attempt.ending) return attempt.cancelAsked ? "Cancel asked." : "At work.";
  const gap = next
    ? ` The next attempt began ${about(next.from - attempt.last)} later, after checkpoint ${next.firstStep}.`
    : "";
  const found = attempt.until - attempt.last;
  if (LOST.has(attempt.ending)) {
    const how = attempt.ending === "lease_expired" ? ", when its lease ran out" : "";
    return `Worker lost, noticed ${about(found)} after its last sign of life${how}.${gap}`;
  }
  if (attempt.ending === "released") return `Stopped in good order and handed back.${gap}`;
  const reason = attempt.error?.message ? ` ${attempt.error.message}` : "";
  if (attempt.ending === "retry") return `Failed for now.${reason}${gap}`;
  return `${SIMPLE[attempt.ending] ?? attempt.ending}${attempt.ending === "failed" ? reason : ""}`;
}
