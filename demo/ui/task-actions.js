/** The buttons of `<task-stream>`: what can be done with the task as it stands. */

import { h } from "./dom.js";
import { FINAL, kindName } from "./words.js";

const ASKABLE = ["queued", "running"];

export class TaskActions {
  #host;
  element = h("div", { class: "actions" });

  constructor(host) {
    this.#host = host;
  }

  /** A stack is there and no task yet. */
  offer() {
    this.#only([this.#start()]);
  }

  /** Neither a stack nor a recording. */
  nothing() {
    this.#only([this.#connect()]);
  }

  /** No task to do anything with. */
  clear() {
    this.#only([]);
  }

  show(source, status) {
    this.#only(source.recorded ? this.#tape(source) : this.#controls(source.task, status));
  }

  busy(busy) {
    for (const button of this.element.querySelectorAll("button")) button.disabled = busy;
  }

  #controls(task, status) {
    if (!task) return [];
    const cancel = ASKABLE.includes(status) && this.#cancel();
    if (this.#host.hasAttribute("src")) return [cancel];
    const page = ["link", "Task page", new URL(`/#/tasks/${task.id}`, this.#host.base).href];
    return FINAL.has(status) ? [this.#start("Start another"), page] : [cancel, page];
  }

  #tape(player) {
    const word = player.story.open ? "Go on" : "Play";
    const paces = { 1: "at real pace", 4: "4×" };
    const plays = (speed) => player.playing && player.speed === Number(speed);
    const buttons = Object.entries(paces).map(([speed, pace]) => [
      "button",
      plays(speed) ? "Pause" : `${word} ${pace}`,
      () => this.#host.play(Number(speed)),
    ]);
    return [...buttons, this.#connect()];
  }

  #start(words = this.#host.getAttribute("label")) {
    const kind = this.#host.kind;
    const what = kind === "web_scrape" ? "scrape of this guide" : kindName(kind).toLowerCase();
    return ["primary", words ?? `Start a real ${what}`, () => this.#host.start()];
  }

  #cancel() {
    return ["button", "Cancel", () => this.#host.cancel()];
  }

  #connect() {
    return ["button", "Connect to my running demo", () => this.#host.connect()];
  }

  /** Puts up these; when they are there already they stay, and keep the focus. */
  #only(wanted) {
    const found = wanted.filter(Boolean);
    const signature = JSON.stringify(found);
    if (this.element.dataset.signature === signature) return;
    this.element.dataset.signature = signature;
    const place = [...this.element.children].indexOf(this.element.getRootNode().activeElement);
    this.element.replaceChildren(...found.map(control));
    if (place >= 0) (this.element.children[place] ?? this.element.lastElementChild)?.focus();
  }
}

function control([sort, text, to]) {
  if (sort === "link") return h("a", { href: to }, text);
  return h("button", { type: "button", class: sort, click: to }, text);
}
