/** Follows one task of a running stack: by the browser's stream, by polling while there is none. */

import { events, monitor, Refused } from "./api.js";
import { lineTo } from "./line.js";
import { Story } from "./story.js";
import { FINAL } from "./words.js";

const LONGEST_WAIT = 15;
const PATIENCE = 2.5;
const GAP = 2000;

export class Feed {
  story = new Story();
  task = null;
  /** connecting, live, reconnecting, polling, offline, ended or gone. */
  state = "connecting";
  problem = null;
  /** When the stack last said something. */
  heard = null;
  #base;
  #id;
  #changed;
  #unfollow = null;
  #listener = null;
  #timer = null;
  #failures = 0;
  #asked = 0;
  #touched = false;
  #stopped = new AbortController();

  constructor(base, id, changed) {
    this.#base = base;
    this.#id = id;
    this.#changed = changed;
  }

  clock() {
    return Date.now();
  }

  start() {
    const { signal } = this.#stopped;
    addEventListener("online", () => this.#again(0), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    this.#round();
  }

  stop() {
    this.#stopped.abort();
    this.#end();
  }

  /** Reads the monitor now; for those who have just changed the task. */
  refresh() {
    return this.#monitor().catch(() => null);
  }

  // --8<-- [start:follow]
  #follow() {
    const id = this.#id;
    const after = () => this.story.seq;
    const take = (type, event) => this.#take(type, event);
    const told = (state) => this.#told(state);
    this.#unfollow ??= lineTo(this.#base).follow((this.#listener = { id, after, take, told }));
  }

  #take(type, event) {
    this.heard = Date.now();
    if (type === "reset") return this.#startOver(event.task);
    if (event.seq > this.story.seq + 1) return this.#missing();
    if (this.story.add(event)) this.#touch();
    return type === "end" && this.#again(0);
  }

  /** Events went by before we listened: they are asked for, once and not for each that follows. */
  #missing() {
    if (Date.now() - this.#asked < GAP) return;
    this.#asked = Date.now();
    lineTo(this.#base).want(this.#listener);
  }

  /** The stream comes back by itself; while it does not, the monitor tells how things are. */
  #told(state) {
    if (state === "live") {
      clearTimeout(this.#timer);
      this.#is("live");
    } else if (state === "gone") {
      this.#end();
      this.#again(0);
    } else if (this.state === "live") {
      this.#is("reconnecting");
      this.#again(state === "refused" ? 0 : PATIENCE);
    }
  }
  // --8<-- [end:follow]

  /** The cursor is worth nothing any more: read what history there is, then go on from it. */
  #startOver(task) {
    this.task = task;
    this.story = new Story();
    this.#end();
    this.#again(0);
  }

  /** A look at the monitor; then the stream, or the log until there is one, or the end. */
  async #round() {
    try {
      const retryAfter = await this.#monitor();
      this.#failures = 0;
      if (this.#stopped.signal.aborted) return;
      const first = !this.#unfollow && !FINAL.has(this.task.status);
      if (first) this.#follow();
      if (first) this.#again(PATIENCE);
      else if (this.state !== "live" || FINAL.has(this.task.status)) await this.#read(retryAfter);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #read(retryAfter) {
    for await (const page of events(this.#base, this.#id, this.story.seq)) {
      for (const event of page) this.story.add(event);
      this.#touch();
    }
    if (FINAL.has(this.task.status)) {
      this.#end();
      this.story.settle(this.task);
      this.#is("ended");
    } else if (this.state !== "live") {
      this.#is("polling");
      this.#again(retryAfter ?? PATIENCE);
    }
  }

  async #monitor() {
    const { body, retryAfter } = await monitor(this.#base, this.#id);
    this.task = body;
    this.heard = Date.now();
    this.#touch();
    return retryAfter;
  }

  #failed(error) {
    if (this.#stopped.signal.aborted) return;
    if (error instanceof Refused && [401, 403, 404, 410, 422].includes(error.status)) {
      this.problem = error;
      this.#end();
      this.#is("gone");
      return;
    }
    this.#failures += 1;
    this.#is("offline");
    this.#again(error.retryAfter ?? Math.min(2 ** (this.#failures - 1), LONGEST_WAIT));
  }

  /** The next look, a little later than asked so that not all pages come at once. */
  #again(seconds) {
    clearTimeout(this.#timer);
    if (this.#stopped.signal.aborted || ["ended", "gone"].includes(this.state)) return;
    this.#timer = setTimeout(() => this.#round(), seconds * 1000 * (1 + Math.random() * 0.3));
  }

  /** Somebody looks again: a connection may have died in the meantime. */
  #seen() {
    if (!document.hidden && this.state !== "live") this.#again(0);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#unfollow?.();
    this.#unfollow = null;
  }

  #is(state) {
    this.state = state;
    if (state === "live") this.heard = Date.now();
    this.#touch();
  }

  /** Tells about changes once a frame, however many there were. */
  #touch() {
    if (this.#touched || this.#stopped.signal.aborted) return;
    this.#touched = true;
    setTimeout(() => {
      this.#touched = false;
      if (!this.#stopped.signal.aborted) this.#changed(this);
    }, 50);
  }
}
