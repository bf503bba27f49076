/** One task of the list: what, how it stands, its timeline, since when. */

import { events } from "../api.js";
import { h, say } from "../dom.js";
import { Story } from "../story.js";
import { glyph } from "../glyphs.js";
import { TimelineView } from "../timeline-view.js";
import { STATUS, ago, kindName, measured, percent } from "../words.js";

const PAGES = 5;
const AT_ONCE = 3;

/** Histories are read a few at a time, in the order in which rows came into view. */
const waiting = [];
let reading = 0;

async function queue(job) {
  waiting.push(job);
  while (reading < AT_ONCE && waiting.length) {
    reading += 1;
    await waiting
      .shift()()
      .catch(() => null);
    reading -= 1;
  }
}

export class Row {
  #base;
  #task;
  #story = new Story();
  #state = "";
  #stale = false;
  #visible = false;
  #busy = false;
  #status = h("span", { class: "row-status" });
  #what = h("span", { class: "row-what" });
  #picture = h("div", { class: "row-picture" });
  #number = h("span", { class: "row-number" });
  #age = h("time", { class: "row-age" });
  #view = new TimelineView(this.#picture);
  #watching;
  element;

  constructor({ base }, task) {
    this.#base = base;
    const link = h("a", { href: `#/tasks/${task.id}` }, kindName(task.kind));
    const head = h(
      "div",
      { class: "row-head" },
      this.#status,
      h("span", { class: "row-name" }, link, " ", this.#what),
      this.#number,
      this.#age,
    );
    this.element = h("li", { class: "row", "data-id": task.id }, head, this.#picture);
    say(this.#what, summary(task));
    this.#age.dateTime = task.created;
    this.#age.title = new Date(task.created).toLocaleString();
    this.#watching = new IntersectionObserver(([entry]) => {
      this.#visible = entry.isIntersecting;
      this.#read();
    });
    this.#watching.observe(this.element);
  }

  leave() {
    this.#watching.disconnect();
    this.element.remove();
  }

  /** Takes the newest monitor; its events are read when they are more, and when it is seen. */
  show(task) {
    this.#task = task;
    const took = task.finished && measured(Date.parse(task.finished) - Date.parse(task.created));
    say(this.#number, took ?? percent(task.progress.percent) ?? "");
    say(this.#age, ago(task.created));
    const state = JSON.stringify([task.status, task.attempt, task.progress]);
    if (state === this.#state) return;
    this.#state = state;
    this.#status.className = `row-status tl-${task.status}`;
    this.#status.replaceChildren(glyph(task.status), STATUS[task.status] ?? task.status);
    this.#stale = true;
    this.#read();
  }

  #read() {
    if (!this.#visible || !this.#stale || this.#busy) return;
    this.#busy = true;
    this.#stale = false;
    queue(async () => {
      try {
        for await (const page of events(this.#base, this.#task.id, this.#story.seq, PAGES))
          for (const event of page) this.#story.add(event);
        this.#story.settle(this.#task);
        this.#view.show(this.#story);
      } finally {
        this.#busy = false;
      }
    }).then(() => this.#read());
  }
}

/** What a task is about, in a few words. */
export function summary({ kind, input, retry_of: before }) {
  const again = before ? ", again" : "";
  if (kind === "web_scrape") return `${input.url}${again}`;
  if (kind === "dataset_profile") return `upload ${input.upload}${again}`;
  if (kind === "rehearsal") return `${input.steps} steps of ${input.step_seconds} s${again}`;
  return again.slice(2);
}
