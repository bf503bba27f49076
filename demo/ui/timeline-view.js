/** Keeps a timeline at the width of its place, and its edge at now while the task is open. */

import { still } from "./dom.js";
import { timeline } from "./timeline.js";

const TICK = 200;
const CALM_TICK = 2000;

export class TimelineView {
  #host;
  #options;
  #story = null;
  #clock = null;
  #width = 0;
  #timer = null;

  constructor(host, options = {}) {
    this.#host = host;
    this.#options = options;
    new ResizeObserver(([entry]) => this.#resized(Math.floor(entry.contentRect.width))).observe(
      host,
    );
  }

  /** Draws a story; `clock` tells the time while it goes on. */
  show(story, clock = Date.now) {
    this.#story = story;
    this.#clock = clock;
    this.#draw();
  }

  #resized(width) {
    if (width === this.#width) return;
    this.#width = width;
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    if (!this.#story || !this.#width) return;
    const options = { ...this.#options, width: this.#width, now: this.#clock() };
    this.#host.replaceChildren(timeline(this.#story, options));
    if (this.#story.open && this.#host.isConnected) this.#later();
  }

  #later() {
    this.#timer = setTimeout(
      () => requestAnimationFrame(() => this.#draw()),
      still() ? CALM_TICK : TICK,
    );
  }
}
