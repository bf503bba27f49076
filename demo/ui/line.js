/** One stream for all tabs of a browser: one tab leads and reads, the others listen to it. */

import { newKey } from "./api.js";
import { Leader } from "./leader.js";

const PATIENCE = 75_000; // longer than the slowest timer of a hidden tab
const HIDDEN_FOR = 30_000;

const lines = new Map();

/** This page's line to a stack. */
export function lineTo(base) {
  if (!lines.has(base)) lines.set(base, new Line(base));
  return lines.get(base);
}

class Line {
  #base;
  #name;
  #me = newKey();
  #listeners = new Set();
  #channel = null;
  #leader = null;
  #resign = null;
  /** Ends all that waits for a lock; null while this page takes no part. */
  #joined = null;
  #silence = null;
  #hidden = null;

  constructor(base) {
    this.#base = base;
    this.#name = `tasks of ${base}`;
    for (const type of ["pagehide", "freeze"]) listen(type, () => this.#part());
    for (const type of ["pageshow", "resume"]) listen(type, () => this.#join());
    listen("online", () => this.#leader?.hurry());
    listen("visibilitychange", () => this.#seen());
  }

  /** Follows a task for `{id, after(), take(type, event), told(state)}` until the result is called. */
  follow(listener) {
    this.#listeners.add(listener);
    this.#join();
    this.want(listener);
    return () => this.#leave(listener);
  }

  /** Asks for a task's events after the last one that a listener has. */
  want({ id, after }) {
    this.#say({ from: this.#me, want: { id, after: after() } });
  }

  #leave(listener) {
    if (!this.#listeners.delete(listener)) return;
    const { id } = listener;
    if (![...this.#listeners].some((one) => one.id === id)) this.#say({ from: this.#me, drop: id });
    if (!this.#listeners.size) this.#part();
  }

  #wantAll() {
    for (const listener of this.#listeners) this.want(listener);
  }

  // --8<-- [start:lead]
  #join() {
    if (this.#joined || !this.#listeners.size) return;
    this.#joined = new AbortController();
    if (!navigator.locks) return void this.#lead(); // plain http: each page for itself
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    // held as long as this page lives: the leader knows by it when it is gone
    this.#request(this.#tab(this.#me), () => ended(this.#joined.signal)).catch(() => {});
    this.#stand({ signal: this.#joined.signal });
  }

  /** Waits to lead: until the tab that does is closed, crashes, freezes or parts. */
  #stand(how) {
    this.#patience();
    const { signal } = this.#joined;
    const lost = () => signal.aborted || this.#robbed();
    navigator.locks.request(this.#name, how, () => this.#lead()).catch(lost);
  }

  #lead() {
    clearTimeout(this.#silence);
    const post = (message) => this.#channel?.postMessage(message);
    const tell = (news) => {
      post({ news });
      this.#deliver(news);
    };
    this.#leader = new Leader(this.#base, { post, tell, gone: (tab) => this.#gone(tab) });
    this.#wantAll();
    return new Promise((resign) => (this.#resign = resign));
  }

  /** A leader that lives and says nothing loses its lock to whoever notices first. */
  #patience() {
    clearTimeout(this.#silence);
    const wait = PATIENCE * (1 + Math.random() * 0.3);
    this.#silence = setTimeout(() => this.#stand({ steal: true }), wait);
  }

  #robbed() {
    this.#retire();
    this.#stand({ signal: this.#joined.signal });
    this.#wantAll();
  }

  #part() {
    if (!this.#joined) return;
    this.#joined.abort();
    this.#joined = null;
    clearTimeout(this.#silence);
    this.#retire();
    this.#channel?.close();
    this.#channel = null;
  }

  #retire() {
    this.#leader?.close();
    this.#leader = null;
    this.#resign?.();
  }
  // --8<-- [end:lead]

  #say(message) {
    if (this.#leader) this.#leader.serve(message);
    else this.#channel?.postMessage(message);
  }

  #hear(message) {
    if (message.from) return this.#leader?.serve(message);
    if (!this.#leader) this.#patience();
    if (message.who) this.#wantAll();
    return this.#deliver(message.news ?? {});
  }

  #deliver({ id, type, data, state }) {
    for (const listener of [...this.#listeners]) {
      if (id && listener.id !== id) continue;
      if (type) listener.take(type, data);
      else if (state) listener.told(state);
    }
  }

  #gone(tab) {
    if (tab === this.#me) return false;
    return this.#request(this.#tab(tab), () => true).catch(() => false);
  }

  #request(name, work) {
    return navigator.locks.request(name, { signal: this.#joined.signal }, work);
  }

  #tab(id) {
    return `${this.#name}, tab ${id}`;
  }

  /** Where tabs can't share, one that nobody looks at gives its connection to one that is seen. */
  #seen() {
    clearTimeout(this.#hidden);
    if (!document.hidden && this.#leader) this.#leader.hurry();
    if (navigator.locks || !this.#joined) return;
    if (!document.hidden && !this.#leader) this.#lead();
    if (document.hidden) this.#hidden = setTimeout(() => this.#rest(), HIDDEN_FOR);
  }

  #rest() {
    this.#retire();
    this.#deliver({ state: "reconnecting" });
  }
}

/** Some of these events are the document's, others the window's; the former do not reach the latter. */
function listen(type, react) {
  for (const target of [document, window]) target.addEventListener(type, react);
}

const ended = (signal) => new Promise((end) => signal.addEventListener("abort", end));
