/** What operators look after: far sides left alone, failed tasks to settle, and who did what. */

import { audit, call, deadLetters, discardLetter, retryLetter } from "../api.js";
import { h, say } from "../dom.js";
import { ago, clipped, kindName } from "../words.js";
import { repeated } from "./again.js";
import { summary } from "./row.js";

const EVERY = 10_000;
const DEEDS = { "dead_letter.retry": "Retried", "dead_letter.discard": "Discarded" };

export function operating(context) {
  const { base, banner } = context;
  const sides = region("Far sides");
  const letters = h("ul", { class: "letters" });
  const none = h("p", { class: "hint" }, "Reading the failed tasks …");
  const deeds = region("What was done");
  const shown = new Map();
  let timer = null;
  let left = false;

  async function ask() {
    clearTimeout(timer);
    try {
      const [health, dead, entries] = await banner.watch(
        Promise.all([call(base, "status"), deadLetters(base), audit(base)]),
      );
      if (left) return;
      sides.replaceChildren(farSides(health.body.breakers));
      list(dead.body.items);
      deeds.replaceChildren(deedTable(entries.body.items));
    } catch (error) {
      if (!left && !shown.size) say(none, error.message);
    }
    if (!left) timer = setTimeout(ask, EVERY);
  }

  /** What is there already stays: somebody may be editing it. */
  function list(tasks) {
    const ids = new Set(tasks.map((task) => task.id));
    for (const [id, element] of shown)
      if (!ids.has(id)) {
        element.remove();
        shown.delete(id);
      }
    for (const task of tasks)
      if (!shown.has(task.id)) shown.set(task.id, letters.appendChild(letter(context, task, ask)));
    none.hidden = tasks.length > 0;
    say(none, "No failed task waits for anybody.");
  }

  ask();
  const element = h(
    "article",
    { class: "task-page" },
    h("p", {}, h("a", { href: "#/" }, "← All tasks")),
    h("h1", { tabindex: -1 }, "Operations"),
    section("Dead letters", h("p", { class: "hint" }, DEAD), letters, none),
    section("Far sides", h("p", { class: "hint" }, FAR), sides),
    section("What was done", deeds),
  );
  const leave = () => {
    left = true;
    clearTimeout(timer);
  };
  return { element, title: "Operations", leave };
}

const DEAD =
  "Tasks that failed and were neither retried nor discarded. A retry is a new task; the failed one stays as it is.";
const FAR =
  "Hosts whose breaker is open: no worker asks them before the time, and then one of them tries.";

const section = (title, ...content) => h("section", {}, h("h2", {}, title), ...content);
const region = (name) =>
  h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name });

function letter(context, task, settled) {
  const head = h(
    "summary",
    {},
    h("strong", {}, kindName(task.kind)),
    ` ${summary(task)} · ${task.error.code} · ${ago(task.finished)}`,
  );
  const story = h("a", { href: `#/tasks/${task.id}` }, "Its history");
  const error = h("div", { class: "failure" }, h("p", {}, task.error.message), h("p", {}, story));
  const form = repeated(context, task, (input) => retryLetter(context.base, task.id, input));
  return h("li", {}, h("details", {}, head, error, form, discarding(context, task, settled)));
}

function discarding({ base, banner }, task, settled) {
  const id = `reason-${task.id}`;
  const reason = h("input", { id, type: "text", maxlength: 500, autocomplete: "off" });
  const button = h("button", {}, "Discard");
  const trouble = h("p", { class: "complaint", role: "alert", hidden: true });
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await banner.watch(discardLetter(base, task.id, reason.value.trim() || null));
      await settled();
    } catch (error) {
      trouble.hidden = false;
      say(trouble, error.message);
      button.disabled = false;
    }
  };
  const label = h("label", { for: id }, "Or set it aside, because");
  return h("form", { class: "field again", submit }, label, reason, " ", button, trouble);
}

function farSides(breakers) {
  if (!breakers.length) return h("p", {}, "None. Every host is asked.");
  const row = ({ host, failures, open_until: until }) =>
    h("tr", {}, [
      h("th", { scope: "row" }, host),
      h("td", { class: "number" }, failures),
      h("td", {}, Date.parse(until) > Date.now() ? `until ${clock(until)}` : HALF_OPEN),
    ]);
  return table(["Host", "Failures in a row", "Left alone"], breakers.map(row));
}

function deedTable(entries) {
  if (!entries.length) return h("p", {}, "Nothing yet.");
  const row = ({ at, actor, action, task_id: task, became }) =>
    h("tr", {}, [
      h("td", {}, h("time", { datetime: at, title: at }, ago(at))),
      h("td", {}, actor),
      h("td", {}, DEEDS[action] ?? action),
      h("td", {}, task && h("a", { href: `#/tasks/${task}` }, `… ${task.slice(-8)}`)),
      h("td", {}, outcome(became)),
    ]);
  return table(["When", "Who", "What", "Task", "Outcome"], entries.map(row));
}

function outcome(became) {
  if (became?.task) return h("a", { href: `#/tasks/${became.task}` }, "the new task");
  return became?.reason ? clipped(became.reason, 200) : "";
}

const HALF_OPEN = "half open: the next request is the probe";
const clock = (at) => new Date(at).toLocaleTimeString();

const NUMERIC = new Set(["Failures in a row"]);
const table = (head, rows) =>
  h(
    "table",
    {},
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col", class: NUMERIC.has(name) && "number" }, name)))),
    h("tbody", {}, rows),
  );
