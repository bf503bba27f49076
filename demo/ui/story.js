/** A task's history folded into what is drawn and said: attempts, checkpoints, gaps, status. */

import { FINAL, LOST, clipped, statusLine } from "./words.js";

const KEPT = 2000;
const LINES = 1000;
const LONGEST = 2000;

/** A growing list that halves its density when it is full: pictures need no more. */
function keep(list, item) {
  list.push(item);
  return list.length > KEPT ? list.filter((_, index) => index % 2 === 1) : list;
}

export class Story {
  constructor() {
    Object.assign(this, {
      seq: 0,
      status: null,
      created: null,
      finished: null,
      latest: null,
      step: 0,
      percent: null,
      message: null,
      error: null,
      attempts: [],
      lines: [],
    });
  }

  static of(events, task = null) {
    const story = new Story();
    for (const event of events) story.add(event);
    if (task) story.settle(task);
    return story;
  }

  /** Takes one event; an event seen before changes nothing. */
  add(event) {
    if (event.seq <= this.seq) return false;
    const at = Date.parse(event.at);
    this.seq = event.seq;
    this.created ??= at;
    this.latest = at;
    this[`on_${event.type}`]?.(event.data ?? {}, at, event.attempt);
    this.line(event, at);
    return true;
  }

  /** Status changes stand among the log lines; only the newest lines are held. */
  line({ seq, type, attempt, data }, at) {
    if (type === "progress") return;
    const [level, message] =
      type === "log" ? [data.level ?? "info", data.message] : ["status", statusLine(data)];
    this.lines.push({ seq, at, attempt, level, message: clipped(message, LONGEST) });
    if (this.lines.length > LINES * 1.2) this.lines.splice(0, this.lines.length - LINES);
  }

  /** Takes what only the monitor knows, or knows better when part of the log is not here. */
  settle(task) {
    this.created = Math.min(Date.parse(task.created), this.created ?? Infinity);
    this.status ??= task.status;
    if (FINAL.has(task.status) && !FINAL.has(this.status)) {
      this.end(task.status, Date.parse(task.finished), task.error);
    }
    this.percent ??= task.progress?.percent ?? null;
    this.message ??= task.progress?.message ?? null;
    this.step = Math.max(this.step, task.progress?.step ?? 0);
  }

  get open() {
    return !FINAL.has(this.status);
  }

  /** The open attempt, if one is at work. */
  get current() {
    const last = this.attempts.at(-1);
    return last && !last.ending ? last : null;
  }

  on_status(data, at, number) {
    this.status = data.status;
    if (data.reason === "claimed") this.begin(number, at, data.worker);
    else if (data.reason === "cancel_requested" && this.current) this.current.cancelAsked = at;
    else if (data.status === "queued" && number > 0) {
      const attempt = this.attempt(number, at);
      Object.assign(attempt, { ending: data.reason, until: at, error: data.error ?? null });
      attempt.retryIn = data.retry_in ?? null;
      if (!LOST.has(data.reason)) attempt.last = at;
    }
  }

  on_progress(data, at, number) {
    const attempt = this.sign(number, at);
    if (data.percent !== undefined) this.percent = data.percent;
    if (data.message !== undefined) this.message = data.message;
    if (data.step === undefined) return;
    this.step = data.step;
    attempt.count += 1;
    attempt.lastCheckpoint = at;
    attempt.checkpoints = keep(attempt.checkpoints, { at, step: data.step });
  }

  on_log(data, at, number) {
    if (number > 0) {
      const attempt = this.sign(number, at);
      attempt.logs = keep(attempt.logs, { at, level: data.level ?? "info", message: data.message });
    }
  }

  on_end(data, at) {
    this.end(data.status, at, data.error, data.reason);
  }

  end(status, at, error, reason) {
    Object.assign(this, { status, finished: at, error: error ?? null });
    if (status === "succeeded") this.percent = 100;
    const last = this.current;
    if (!last) return;
    const lost = LOST.has(reason) || error?.code === "worker_lost";
    Object.assign(last, { ending: lost ? "worker_lost" : status, until: at, error: error ?? null });
    if (!lost) last.last = at;
  }

  /** A sign of life from an attempt. */
  sign(number, at) {
    const attempt = this.attempt(number, at);
    attempt.last = at;
    return attempt;
  }

  attempt(number, at) {
    return this.attempts.find((one) => one.number === number) ?? this.begin(number, at, null);
  }

  begin(number, at, worker) {
    const attempt = {
      number,
      worker: worker ?? null,
      from: at,
      last: at,
      until: null,
      ending: null,
      error: null,
      retryIn: null,
      cancelAsked: null,
      firstStep: this.step,
      checkpoints: [],
      count: 0,
      lastCheckpoint: null,
      logs: [],
    };
    this.attempts.push(attempt);
    return attempt;
  }
}
