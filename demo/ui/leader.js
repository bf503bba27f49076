/** What the leading tab does for all: reads one stream for whatever any tab wants, and passes it on. */

import { Stream } from "./stream.js";

const BEAT = 15_000;

export class Leader {
  #stream;
  #tell;
  #gone;
  /** The tabs that want a task, by task. */
  #wanted = new Map();
  #known = new Set();
  #state = null;
  #beat;

  /** `post` reaches the other tabs, `tell` this one too; `gone(tab)` resolves when a tab is no more. */
  constructor(base, { post, tell, gone }) {
    this.#tell = tell;
    this.#gone = gone;
    this.#stream = new Stream(base, (news) => {
      if (news.state && !news.id) this.#state = news.state;
      tell(news);
    });
    this.#beat = setInterval(() => post({}), BEAT);
    post({ who: true });
  }

  close() {
    clearInterval(this.#beat);
    this.#stream.close();
  }

  hurry() {
    this.#stream.hurry();
  }

  serve({ from, want, drop }) {
    if (drop) return this.#forget(drop, from);
    const { id, after } = want;
    this.#wanted.set(id, (this.#wanted.get(id) ?? new Set()).add(from));
    this.#mourn(from);
    if (!this.#stream.follow(id, after)) this.#tell({ id, state: this.#state });
  }

  /** What a tab wanted is not read for it any longer than it is there, however it went. */
  async #mourn(tab) {
    if (this.#known.has(tab)) return;
    this.#known.add(tab);
    if (!(await this.#gone(tab))) return;
    for (const id of [...this.#wanted.keys()]) this.#forget(id, tab);
  }

  #forget(id, tab) {
    const tabs = this.#wanted.get(id);
    if (!tabs?.delete(tab) || tabs.size) return;
    this.#wanted.delete(id);
    this.#stream.leave(id);
  }
}
