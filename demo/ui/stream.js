/** One connection for any number of tasks: comes back by itself, rests when all have ended. */

import { open } from "./api.js";
import { frames } from "./frames.js";

const GATHERING = 30; // tabs that open together are one request
const SILENCE = 45_000; // three comments that did not come: nobody is there
const PAUSE = 2000;
const LONGEST = 15_000;
const MOST = 100;

export class Stream {
  #base;
  #tell;
  /** The last event that came, by task. */
  #tasks = new Map();
  #answer = null;
  #timer = null;
  #waiting = false;
  #watch = null;
  #failures = 0;
  #pause = PAUSE;

  /** `tell` gets `{id, type, data}` for a frame, `{state, seconds}` or `{id, state}` for the rest. */
  constructor(base, tell) {
    this.#base = base;
    this.#tell = tell;
  }

  /** Brings a task's events after a number; answers whether anything had to change for it. */
  follow(id, after) {
    if (after >= (this.#tasks.get(id) ?? Infinity)) return false;
    this.#tasks.set(id, after);
    this.#change();
    return true;
  }

  leave(id) {
    if (this.#tasks.delete(id) && !this.#tasks.size) this.close();
  }

  close() {
    this.#rest();
    this.#tasks.clear();
  }

  /** The network is back, or somebody looks: no use in waiting. */
  hurry() {
    if (this.#waiting) this.#open();
  }

  /** Other tasks, or other numbers: the open answer is not the right one any more. */
  #change() {
    if (this.#waiting) return;
    this.#rest();
    this.#timer = setTimeout(() => this.#open(), GATHERING);
  }

  // --8<-- [start:open]
  async #open() {
    this.#rest();
    if (!this.#tasks.size) return;
    const { signal } = (this.#answer = new AbortController());
    try {
      const answer = await open(this.#base, `stream?${this.#query()}`, signal);
      this.#alive();
      if (answer.status === 204) return this.#over();
      this.#tell({ state: "live" });
      this.#failures = 0;
      for (const id of [...this.#tasks.keys()].slice(MOST)) this.#tell({ id, state: "refused" });
      for await (const frame of frames(answer)) {
        if (signal.aborted) return;
        this.#alive();
        if (frame) this.#take(frame);
      }
      this.#lost({});
    } catch (problem) {
      if (!signal.aborted) this.#lost(problem);
    }
  }

  /** Cut, closed or refused: come back later than asked, at random, with what is known by then. */
  #lost({ status, retryAfter, errors = [] }) {
    this.#rest();
    if (!this.#tasks.size) return;
    if (status === 404) return this.#without(errors.map((error) => error.field));
    this.#failures += 1;
    const seconds = retryAfter && retryAfter * 1000;
    const wait = seconds ?? Math.min(this.#pause * 2 ** (this.#failures - 1), LONGEST);
    this.#tell({ state: status ? "refused" : "reconnecting" });
    this.#waiting = true;
    this.#timer = setTimeout(() => this.#open(), wait * (1 + Math.random() * 0.3));
  }
  // --8<-- [end:open]

  /** The server knows some of them no more; their followers find out why. */
  #without(ids) {
    const unknown = ids.filter((id) => this.#tasks.delete(id));
    for (const id of unknown.length ? unknown : [...this.#tasks.keys()]) {
      this.#tasks.delete(id);
      this.#tell({ id, state: "gone" });
    }
    this.#change();
  }

  /** 204: there is nothing after what we have, ever. */
  #over() {
    const ended = [...this.#tasks.keys()];
    this.close();
    for (const id of ended) this.#tell({ id, state: "gone" });
  }

  #take({ type, data, retry }) {
    this.#pause = retry ?? this.#pause;
    const told = JSON.parse(data);
    const id = told.task_id;
    if (!this.#tasks.has(id)) return;
    if (type === "end" || type === "reset") this.#tasks.delete(id);
    else this.#tasks.set(id, told.seq);
    this.#tell({ id, type, data: told });
  }

  #query() {
    const wanted = [...this.#tasks].slice(0, MOST);
    return wanted.map(([id, last]) => `task=${encodeURIComponent(id)}:${last}`).join("&");
  }

  #alive() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#open(), SILENCE);
    this.#tell({});
  }

  #rest() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#waiting = false;
    this.#answer?.abort();
    this.#answer = null;
  }
}
