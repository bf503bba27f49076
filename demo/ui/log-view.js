/** The log of a task: a level to filter by, and a view that follows the newest line. */

import { h, say } from "./dom.js";
import { count, measured } from "./words.js";

const SHOWN = 1000;
const RANK = { debug: 0, info: 1, status: 9, warning: 2, error: 3, critical: 3 };
const FILTERS = {
  debug: "all lines",
  info: "info and above",
  warning: "warnings and errors",
  error: "errors only",
};

export class LogView {
  #list = h("ol", { class: "log-lines", tabindex: 0, "aria-label": "Log lines" });
  #empty = h("p", { class: "log-empty" }, "No lines yet.");
  #count = h("span", { class: "quiet" });
  #level = h(
    "select",
    { change: () => this.#filter() },
    Object.entries(FILTERS).map(([value, text]) => h("option", { value }, text)),
  );
  #follow = h("input", { type: "checkbox", change: () => this.toEnd() });
  #story = null;
  #seq = 0;
  element;

  constructor() {
    this.#follow.checked = true;
    this.#list.addEventListener("scroll", () => this.#scrolled());
    const level = h("label", {}, "Show ", this.#level);
    const follow = h("label", {}, this.#follow, " Follow");
    this.element = h(
      "div",
      { class: "log" },
      h("div", { class: "log-head" }, h("strong", {}, "Log"), this.#count, level, follow),
      this.#empty,
      this.#list,
    );
  }

  /** Adds the lines of a story that are not shown yet; another story starts over. */
  show(story) {
    if (story !== this.#story) this.#clear(story);
    const fresh = story.lines.filter((line) => line.seq > this.#seq);
    if (fresh.length) {
      this.#seq = fresh.at(-1).seq;
      this.#list.append(...fresh.slice(-SHOWN).map((line) => this.#line(line)));
      while (this.#list.childElementCount > SHOWN) this.#list.firstElementChild.remove();
    }
    this.#tally();
    if (fresh.length) this.toEnd();
  }

  #clear(story) {
    this.#story = story;
    this.#seq = 0;
    this.#list.replaceChildren();
  }

  #line({ at, attempt, level, message }) {
    const time = h(
      "time",
      { datetime: new Date(at).toISOString() },
      measured(at - this.#story.created),
    );
    const grave = level !== "status" && level !== "info" && [h("b", {}, level), " "];
    const cells = [time, h("span", { class: "log-text" }, grave, message)];
    return h(
      "li",
      {
        class: `log-${level in RANK ? level : "info"}`,
        "data-attempt": attempt,
        hidden: !this.#passes(level),
      },
      cells,
    );
  }

  #passes = (level) => (RANK[level] ?? 1) >= RANK[this.#level.value];

  #filter() {
    for (const line of this.#list.children) line.hidden = !this.#passes(line.className.slice(4));
    this.#tally();
    this.toEnd();
  }

  #tally() {
    const lines = [...this.#list.children];
    const hidden = lines.filter((line) => line.hidden).length;
    this.#empty.hidden = lines.length > hidden;
    this.#list.hidden = lines.length === hidden;
    say(this.#empty, hidden ? "No line has this level." : "No lines yet.");
    say(
      this.#count,
      lines.length
        ? `${count(lines.length - hidden, "line")}${hidden ? `, ${hidden} hidden` : ""}`
        : "",
    );
  }

  /** Shows the newest line, unless the reader looks at another. */
  toEnd() {
    if (this.#follow.checked) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Scrolling up stops following, scrolling to the end starts it again. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    this.#follow.checked = scrollHeight - scrollTop - clientHeight < 24;
  }
}
