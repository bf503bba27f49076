/** What `<task-stream>` shows: status, timeline, progress, log, and what can be done. */

import { curlFollow, curlSubmit } from "./api.js";
import { h, say } from "./dom.js";
import { LogView } from "./log-view.js";
import { sheets } from "./sheets.js";
import { Speaker } from "./speaker.js";
import { TaskActions } from "./task-actions.js";
import { glyph } from "./glyphs.js";
import { TimelineView } from "./timeline-view.js";
import {
  FINAL,
  LOST,
  STATUS,
  count,
  day,
  kindName,
  measured,
  percent,
  situation,
} from "./words.js";

const STATES = {
  connecting: "Connecting …",
  live: "Live",
  reconnecting: "Connection lost. Trying again …",
  polling: "Live, by polling",
  offline: "The demo does not answer. Trying again …",
};

export class TaskPanel {
  #host;
  #title = h("strong", { class: "title" });
  #status = h("span", { class: "status" });
  #percent = h("span", { class: "percent" });
  #elapsed = h("span", { class: "elapsed" });
  #picture = h("div", { class: "picture" });
  #hint = h(
    "p",
    { class: "hint", hidden: true },
    "Solid: kept by a checkpoint. Light: after the last checkpoint, so the next attempt did it again.",
  );
  #progress = h("progress", { max: 100, "aria-label": "Progress" });
  #situation = h("p", { class: "situation" });
  #log = new LogView();
  #actions;
  #command = h("code", {});
  #curl = h(
    "details",
    { class: "curl" },
    h("summary", {}, "The same with curl"),
    h("pre", { tabindex: 0 }, this.#command),
  );
  #source = h("span", { class: "source" });
  #complaint = h("p", { class: "complaint", role: "alert", hidden: true });
  #view = new TimelineView(this.#picture, { large: true });
  #speaker = new Speaker();
  #task;
  #shown = null;
  #base;

  constructor(root, host) {
    this.#host = host;
    this.#actions = new TaskActions(host);
    this.#task = h("div", { class: "task" }, [
      h("div", { class: "head" }, this.#status, this.#title, this.#percent, this.#elapsed),
      this.#picture,
      this.#hint,
      this.#progress,
      this.#situation,
      this.#log.element,
    ]);
    const foot = h("div", { class: "foot" }, this.#actions.element, this.#source);
    const box = h(
      "section",
      { class: "box", "aria-label": "Task", hidden: true },
      this.#task,
      this.#complaint,
      foot,
      this.#curl,
      this.#speaker.element,
    );
    const ready = () => {
      box.hidden = false;
      this.#log.toEnd();
    };
    root.append(...sheets(ready), box);
  }

  /** A stack is there and no task yet. */
  offer(base) {
    this.#base = base;
    this.#task.hidden = true;
    this.#actions.offer();
    say(this.#source, `Live from ${new URL(base).host}`);
    this.#tellCurl(null);
  }

  /** Neither a stack nor a recording. */
  nothing() {
    this.#task.hidden = true;
    this.#curl.hidden = true;
    this.#actions.nothing();
    say(this.#source, "No demo is connected, and there is no recorded run to show.");
  }

  /** Draws what a feed or a player knows. */
  show(source) {
    const { story, task, state } = source;
    this.#base = this.#host.base;
    this.#task.hidden = state === "gone";
    if (state === "gone") return this.#gone(source.problem);
    const status = story.status ?? task?.status ?? "queued";
    this.#head(status, story, task, source.clock());
    if (story.status) this.#view.show(story, () => source.clock());
    this.#hint.hidden = !story.attempts.some(
      (one) => LOST.has(one.ending) || ["released", "retry"].includes(one.ending),
    );
    this.#log.show(story);
    this.#say(source);
    this.#actions.show(source, status);
    this.#speaker.tell(status, story);
    return this.#tellCurl(task);
  }

  #head(status, story, task, now) {
    if (this.#shown !== status) {
      this.#shown = status;
      this.#status.replaceChildren(glyph(status), STATUS[status] ?? status);
      this.#status.className = `status tl-${status}`;
    }
    const turn = story.attempts.length > 1 ? `attempt ${story.attempts.at(-1).number}` : null;
    const kind = task && !this.#host.hasAttribute("src") ? kindName(task.kind) : null;
    say(this.#title, [kind, turn].filter(Boolean).join(", "));
    say(this.#percent, percent(story.percent) ?? "");
    const created = story.created ?? now;
    say(this.#elapsed, FINAL.has(status) ? measured((story.finished ?? now) - created) : "");
    if (story.percent === null && !FINAL.has(status)) this.#progress.removeAttribute("value");
    else this.#progress.value = story.percent ?? 0;
    this.tick({ story, task, clock: () => now });
    this.#situation.classList.toggle("bad", status === "failed");
  }

  /** What changes by time alone: how long there was no news, when it is tried again. */
  tick({ story, task, clock }) {
    say(this.#situation, story.status ? situation(story, task, clock()) : "");
  }

  #say({ state, recorded, heard, task, story }) {
    this.#source.classList.toggle("warn", ["offline", "reconnecting"].includes(state));
    if (recorded) this.#sayRecorded(recorded, task);
    else if (state === "ended") say(this.#source, `Complete: ${count(story.seq, "event")}`);
    else say(this.#source, STATES[state] + this.#where(state) + since(state, heard));
  }

  #sayRecorded({ date, machine, versions }, task) {
    say(this.#source, `Recorded on ${day(date)} on ${machine}`);
    this.#source.title = Object.entries(versions ?? {})
      .map((pair) => pair.join(" "))
      .join(", ");
    // the page around must not jump when the recording comes to its later attempts
    this.#picture.style.minHeight = `${48 + 36 * (task.attempt || 1)}px`;
  }

  #where(state) {
    const here = this.#host.hasAttribute("src") || !["live", "polling"].includes(state);
    return here ? "" : ` from ${new URL(this.#base).host}`;
  }

  #tellCurl(task) {
    this.#curl.hidden = !this.#base;
    if (!this.#base) return;
    const submitted = curlSubmit(
      this.#base,
      task?.kind ?? this.#host.kind,
      task?.input ?? this.#host.input,
    );
    say(this.#command, task ? `${submitted}\n${curlFollow(this.#base, task.id)}` : submitted);
  }

  #gone(problem) {
    this.#actions.clear();
    this.#curl.hidden = true;
    this.complain(problem.message);
  }

  busy(busy) {
    this.#actions.busy(busy);
    if (busy) this.#complaint.hidden = true;
  }

  /** Says what went wrong, and where there is a way round. */
  complain(text, href = null) {
    this.#complaint.replaceChildren(text, ...(href ? [" ", h("a", { href }, href)] : []));
    this.#complaint.hidden = false;
  }
}

function since(state, heard) {
  if (state !== "offline" || !heard) return "";
  return ` What you see is from ${new Date(heard).toLocaleTimeString()}.`;
}
