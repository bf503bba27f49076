/** Speaks to screen readers: at once when a task ends, else at most once every few seconds. */

import { h, say } from "./dom.js";
import { FINAL, STATUS, describe, percent } from "./words.js";

const PAUSE = 5000;

export class Speaker {
  element = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  #spoken = 0;
  #timer = null;

  // --8<-- [start:tell]
  tell(status, story) {
    clearTimeout(this.#timer);
    const words = FINAL.has(status)
      ? `${STATUS[status]}. ${describe(story, story.finished)}`
      : [STATUS[status], percent(story.percent)].filter(Boolean).join(", ");
    const wait = this.#spoken + PAUSE - Date.now();
    if (FINAL.has(status) || wait <= 0) this.#say(words);
    else this.#timer = setTimeout(() => this.#say(words), wait);
  }
  // --8<-- [end:tell]

  #say(words) {
    this.#spoken = Date.now();
    say(this.element, words);
  }
}
