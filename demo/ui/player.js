/** Plays the recorded events of a real run at their own pace, or faster. */

import { Story } from "./story.js";

const TICK = 100;

export class Player {
  story;
  task;
  state = "recorded";
  recorded;
  speed = null;
  /** Whether it was ever played: then nothing starts it but the reader. */
  touched = false;
  #events;
  #changed;
  #now;
  #timer = null;

  constructor(recording, changed) {
    this.task = recording.task;
    this.recorded = recording.recorded;
    this.#events = recording.events;
    this.#changed = changed;
    this.showAll();
  }

  get playing() {
    return this.#timer !== null;
  }

  /** The time of the recording that is shown. */
  clock() {
    return this.#now;
  }

  start() {}

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The whole run at once, at rest. */
  showAll() {
    this.stop();
    this.story = Story.of(this.#events, this.task);
    this.#now = this.story.finished ?? this.story.latest;
    this.#changed(this);
  }

  /** Goes on from here, or from the start when the run is over. */
  play(speed) {
    this.stop();
    this.speed = speed;
    this.touched = true;
    if (!this.story.open) {
      this.story = new Story();
      this.#now = Date.parse(this.#events[0].at);
    }
    let before = performance.now();
    this.#timer = setInterval(() => {
      const present = performance.now();
      this.#now += (present - before) * speed;
      before = present;
      this.#advance();
    }, TICK);
    this.#advance();
  }

  pause() {
    this.stop();
    this.#changed(this);
  }

  #advance() {
    for (const event of this.#events) if (Date.parse(event.at) <= this.#now) this.story.add(event);
    if (!this.story.open) return this.showAll();
    return this.#changed(this);
  }
}
