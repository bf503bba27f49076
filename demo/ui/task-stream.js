/**
 * `<task-stream>`: one task, followed live or replayed from a recorded run.
 *
 * Attributes: `task` (id), `src` (the stack's address), `kind` and `input` (what the Start button
 * submits), `recorded` (URL of a recorded run), `origin-ask` (the demo offered to connect to).
 * Fires `task-change` with `{story, task, state}`.
 */

import { Feed } from "./feed.js";
import { Player } from "./player.js";
import { TaskPanel } from "./task-panel.js";
import { Unreachable, cancel, call, newKey, submit } from "./api.js";
import { knock, reason, servedByStack } from "./connect.js";
import { still } from "./dom.js";

const PACE = 4;
const SECOND = 1000;

export class TaskStream extends HTMLElement {
  static observedAttributes = ["task", "src"];
  #panel = null;
  #source = null;
  #base = null;
  #key = newKey();
  #recording = null;
  #ticking = null;

  connectedCallback() {
    this.#panel ??= new TaskPanel(this.attachShadow({ mode: "open" }), this);
    this.#begin();
  }

  disconnectedCallback() {
    this.#leave();
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && this.#panel && before !== after) this.#begin();
  }

  get kind() {
    return this.getAttribute("kind") ?? "web_scrape";
  }

  /** What Start submits. A guide on this machine is the one of the demo that is connected. */
  get input() {
    const own = JSON.parse(this.getAttribute("input") ?? "{}");
    if (this.kind !== "web_scrape") return own;
    const { hostname, pathname } = new URL(own.url ?? "http://127.0.0.1/guide/");
    if (!["127.0.0.1", "localhost"].includes(hostname)) return own;
    return { max_pages: 10, ...own, url: new URL(pathname, this.#base ?? this.ask).href };
  }

  /** The demo that a page elsewhere offers to connect to. */
  get ask() {
    return this.getAttribute("origin-ask") ?? "http://127.0.0.1:8001";
  }

  get base() {
    return this.#base;
  }

  /** The monitor as far as it is known. */
  get task() {
    return this.#source?.task ?? null;
  }

  refresh() {
    return this.#source?.refresh?.();
  }

  async #begin() {
    this.#leave();
    const src = this.getAttribute("src");
    if (src !== null) this.#base = new URL(src, location.href).href;
    else if (!this.#base && (await servedByStack())) this.#base = `${location.origin}/`;
    if (!this.isConnected) return;
    const id = this.getAttribute("task");
    if (this.#base) this.#live(id);
    else await this.#away();
  }

  #live(id) {
    if (id) this.#follow(id);
    else this.#panel.offer(this.#base);
  }

  #follow(id) {
    this.#leave();
    this.#source = new Feed(this.#base, id, (source) => this.#show(source));
    this.#show(this.#source);
    this.#source.start();
    this.#ticking = setInterval(() => this.#panel.tick(this.#source), SECOND);
  }

  #show(source) {
    this.#panel.show(source);
    const { story, task, state, problem } = source;
    this.dispatchEvent(
      new CustomEvent("task-change", { bubbles: true, detail: { story, task, state, problem } }),
    );
  }

  #leave() {
    clearInterval(this.#ticking);
    this.#source?.stop();
    this.#source = null;
  }

  // Actions of the panel's buttons.

  /** Submits what the attributes say; a second try with the same key makes no second task. */
  async start() {
    await this.#acting(async () => {
      const { body } = await submit(this.#base, this.kind, this.input, this.#key);
      this.#key = newKey();
      this.#follow(body.id);
    });
  }

  async cancel() {
    await this.#acting(async () => {
      await cancel(this.#base, this.task.id);
      await this.refresh();
    });
  }

  async #acting(action) {
    this.#panel.busy(true);
    try {
      await action();
    } catch (error) {
      const words =
        error instanceof Unreachable
          ? `Nothing answers at ${this.#base}. Is the demo still running?`
          : error.message;
      this.#panel.complain(words);
    } finally {
      this.#panel.busy(false);
    }
  }

  /** The only way from a page elsewhere to this machine: the reader's click. */
  async connect() {
    this.#panel.busy(true);
    const answer = await knock(this.ask);
    this.#panel.busy(false);
    if (answer !== "ok")
      return this.#panel.complain(reason(answer, this.ask), new URL("guide/", this.ask).href);
    this.#base = new URL("/", this.ask).href;
    this.#leave();
    return this.#live(this.getAttribute("task"));
  }

  /** Plays the recorded run, or holds it. */
  play(speed) {
    if (this.#source.playing && this.#source.speed === speed) this.#source.pause();
    else this.#source.play(speed);
  }

  async #away() {
    const url = this.getAttribute("recorded");
    this.#recording ??= url ? (await call(document.baseURI, url).catch(() => null))?.body : null;
    if (!this.isConnected) return;
    if (!this.#recording) return this.#panel.nothing();
    this.#source = new Player(this.#recording, (source) => this.#show(source));
    this.#show(this.#source);
    if (!still()) this.#playWhenSeen(this.#source);
  }

  #playWhenSeen(player) {
    const seen = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        seen.disconnect();
        if (player === this.#source && !player.touched) player.play(PACE);
      },
      { threshold: 0.6 },
    );
    seen.observe(this);
  }
}

customElements.define("task-stream", TaskStream);
