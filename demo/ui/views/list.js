/** The tasks of the server, newest first. Polled: a stream per row would use up the browser's connections. */

import { call } from "../api.js";
import { h, say } from "../dom.js";
import { FINAL, KINDS, STATUS } from "../words.js";
import { Row } from "./row.js";

const PAGE = 20;
const MOST = 200;
const BUSY = 2;
const CALM = 5;

export function tasks(context, query) {
  const { base, banner } = context;
  const rows = new Map();
  const list = h("ol", { class: "rows" });
  const note = h("div", { class: "empty" }, h("p", {}, "Reading the tasks …"));
  const more = h("button", { type: "button", hidden: true, click: () => ask(true) }, "Show more");
  const filters = filter(query);
  let timer = null;
  let left = false;
  let wanted = PAGE;

  async function ask(further = false) {
    clearTimeout(timer);
    if (further) wanted = Math.min(wanted + PAGE, MOST);
    let pause = CALM;
    try {
      const { body, retryAfter } = await banner.watch(call(base, path(filters.chosen(), wanted)));
      if (left) return;
      show(body);
      pause = retryAfter ?? (body.items.some((task) => !FINAL.has(task.status)) ? BUSY : CALM);
    } catch (error) {
      if (left) return;
      if (!rows.size) note.replaceChildren(h("p", {}, error.message));
      pause = error.retryAfter ?? 3;
    }
    timer = setTimeout(
      () => (document.hidden ? wake() : ask()),
      pause * 1000 * (1 + Math.random() * 0.2),
    );
  }

  /** Nobody looks: ask again when somebody does. */
  function wake() {
    document.addEventListener("visibilitychange", () => !left && ask(), { once: true });
  }

  function show({ items, next }) {
    const seen = new Set(items.map((task) => task.id));
    for (const [id, row] of rows)
      if (!seen.has(id)) {
        row.leave();
        rows.delete(id);
      }
    items.forEach((task, place) => {
      const row = rows.get(task.id) ?? new Row(context, task);
      rows.set(task.id, row);
      row.show(task);
      if (list.children[place] !== row.element)
        list.insertBefore(row.element, list.children[place] ?? null);
    });
    more.hidden = !next || wanted >= MOST;
    note.hidden = items.length > 0;
    if (!items.length) note.replaceChildren(...nothing(base, filters.chosen()));
  }

  ask();
  const element = h("section", { class: "list", "aria-labelledby": "list-title" }, [
    h("div", { class: "list-head" }, h("h2", { id: "list-title" }, "Tasks"), filters.element),
    list,
    note,
    more,
  ]);
  return {
    element,
    leave() {
      left = true;
      clearTimeout(timer);
      for (const row of rows.values()) row.leave();
    },
  };
}

function path(chosen, limit) {
  return `tasks?${new URLSearchParams({ ...chosen, limit })}`;
}

function nothing(base, chosen) {
  if (Object.keys(chosen).length)
    return [
      h("p", {}, "No task matches."),
      h("p", {}, h("a", { href: "#/" }, "Show all tasks")),
    ];
  return [
    h("p", {}, h("strong", {}, "No tasks yet.")),
    h(
      "p",
      {},
      "Submit the example: a crawl of this demo's own guide, which takes a few seconds and needs no internet. Then ",
      h("a", { href: new URL("guide/start/#4-kill-the-worker", base).href }, "kill the worker"),
      " while one runs, and watch the task finish anyway.",
    ),
  ];
}

/** Filters live in the address, so that a filtered list can be linked to. */
function filter(query) {
  const select = (name, label, words) => {
    const options = Object.entries(words).map(([value, text]) => h("option", { value }, text));
    const control = h("select", { name, change: go }, h("option", { value: "" }, "all"), options);
    control.value = query.get(name) ?? "";
    return h("label", {}, `${label} `, control);
  };
  const element = h(
    "form",
    { class: "filters", "aria-label": "Filter" },
    select("status", "Status", STATUS),
    select("kind", "Kind", KINDS),
  );
  const chosen = () => Object.fromEntries([...new FormData(element)].filter(([, value]) => value));
  function go() {
    const asked = new URLSearchParams(chosen()).toString();
    location.hash = asked ? `#/?${asked}` : "#/";
  }
  return { element, chosen };
}
