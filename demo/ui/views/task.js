/** A task's own page: followed live, with attempts, input, result, and what can be done. */

import { h, say } from "../dom.js";
import { FINAL, STATUS, kindName, percent } from "../words.js";
import { attemptsTable } from "./attempts.js";
import { again } from "./again.js";
import { resultOf } from "./result.js";
import { summary } from "./row.js";

export function task(context, id) {
  const heading = h("h1", { tabindex: -1 }, "Task");
  const about = h("p", { class: "about" });
  const stream = h("task-stream", { task: id, src: context.base });
  const outcome = h("div", {});
  const attempts = h("div", {
    class: "scroll attempts",
    tabindex: 0,
    role: "region",
    "aria-label": "Attempts",
  });
  const details = h("div", {});
  const known = h("div", { hidden: true }, outcome, section("Attempts", attempts), details);
  const element = h(
    "article",
    { class: "task-page" },
    h("p", {}, h("a", { href: "#/" }, "← All tasks")),
    heading,
    about,
    stream,
    known,
  );
  let drawn = null;

  function changed({ detail: { story, task: monitor, state } }) {
    if (state === "offline") context.banner.silent();
    else if (state !== "reconnecting") context.banner.answered();
    if (!monitor) return state === "gone" && missing();
    const status = story.status ?? monitor.status;
    say(heading, kindName(monitor.kind));
    say(about, summary(monitor));
    document.title = `${[FINAL.has(status) ? null : percent(story.percent), STATUS[status], kindName(monitor.kind)].filter(Boolean).join(" · ")}`;
    known.hidden = false;
    attempts.replaceChildren(attemptsTable(story));
    if (drawn === monitor.status) return null;
    drawn = monitor.status;
    outcome.replaceChildren(...ended(context, monitor));
    return details.replaceChildren(...facts(context, monitor));
  }

  function missing() {
    document.title = "No such task";
    say(heading, "No such task");
    say(about, "The address may be wrong, or the task is older than the retention.");
  }

  stream.addEventListener("task-change", changed);
  return { element, title: "Task", leave: () => stream.remove() };
}

const PICTURE = "guide/#the-same-work-as-a-task";
const section = (title, ...content) => h("section", {}, h("h2", {}, title), ...content);

function ended(context, monitor) {
  if (monitor.status === "succeeded") return [section("Result", resultOf(monitor, context.base))];
  const parts =
    monitor.status === "failed" ? [section("Why it failed", failure(context, monitor.error))] : [];
  return FINAL.has(monitor.status) ? [...parts, section("Try again", again(context, monitor))] : [];
}

/** The error in words, with its page of the guide. */
function failure({ base }, error) {
  const page = error.type && new URL(error.type, base).href;
  return h("div", { class: "failure" }, [
    h("p", {}, h("strong", {}, error.title ?? error.code)),
    h("p", {}, error.message),
    error.detail && error.detail !== error.message && h("p", {}, error.detail),
    h(
      "p",
      { class: "hint" },
      "Code ",
      h("code", {}, error.code),
      page && [" · ", h("a", { href: page }, "What this means and what to do")],
    ),
  ]);
}

/** Input, addresses and ids. */
function facts({ base }, monitor) {
  const here = new URL(`tasks/${monitor.id}`, base).href;
  const links = { Monitor: here, Events: `${here}/events`, Result: `${here}/result` };
  const rows = [
    ["Guide", h("a", { href: new URL(PICTURE, base).href }, "What the picture shows")],
    ["Id", h("code", {}, monitor.id)],
    ["Submitted", new Date(monitor.created).toLocaleString()],
    monitor.deadline && ["Deadline", new Date(monitor.deadline).toLocaleString()],
    ["Priority", `${monitor.priority}, where 0 goes first among your own`],
    monitor.trace_id && ["Trace", h("code", {}, monitor.trace_id)],
    monitor.retry_of && [
      "Repeats",
      h("a", { href: `#/tasks/${monitor.retry_of}` }, monitor.retry_of),
    ],
    [
      "API",
      Object.entries(links)
        .map(([name, href]) => [h("a", { href }, name), " "])
        .flat(),
    ],
  ].filter(Boolean);
  const list = rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  const input = h("pre", { tabindex: 0 }, h("code", {}, JSON.stringify(monitor.input, null, 2)));
  return [section("Input", input), section("Details", h("dl", {}, list))];
}
