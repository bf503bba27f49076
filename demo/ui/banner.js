/** Says that the API does not answer, since when, and that it does again. */

import { Unreachable } from "./api.js";
import { h } from "./dom.js";

export class Banner {
  #place;
  #answered = null;
  #down = false;

  constructor(place) {
    this.#place = place;
  }

  /** Runs a call and notes whether the API answered at all. */
  async watch(calling) {
    try {
      const answer = await calling;
      this.answered();
      return answer;
    } catch (error) {
      if (error instanceof Unreachable) this.silent();
      else this.answered();
      throw error;
    }
  }

  answered() {
    this.#answered = new Date();
    if (!this.#down) return;
    this.#down = false;
    this.#place.replaceChildren();
  }

  silent() {
    if (this.#down) return;
    this.#down = true;
    const since = this.#answered
      ? ` What you see is from ${this.#answered.toLocaleTimeString()}.`
      : "";
    const words = `The API does not answer. Tasks that were accepted are safe and go on without it.${since} Trying again.`;
    this.#place.replaceChildren(h("p", {}, words));
  }
}
