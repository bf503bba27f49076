/** What happened, what it means, what comes next: in words. */

export const STATUS = {
  queued: "Queued",
  running: "Running",
  canceling: "Canceling",
  succeeded: "Succeeded",
  failed: "Failed",
  canceled: "Canceled",
};

export const FINAL = new Set(["succeeded", "failed", "canceled"]);
export const LOST = new Set(["worker_lost", "lease_expired"]);
export const KINDS = {
  web_scrape: "Web scrape",
  dataset_profile: "Data set profile",
  rehearsal: "Rehearsal",
};

/** The promises of the store that the page repeats: a lease of 30 s, found dead 5 s later. */
const QUIET = 10_000;
const AT_MOST = "in at most 35 s";

const ENDINGS = {
  worker_lost: "worker lost",
  lease_expired: "worker lost",
  released: "handed back by its worker",
  retry: "failed for now",
  ...Object.fromEntries(Object.keys(STATUS).map((status) => [status, status])),
};

export const ending = (reason) => ENDINGS[reason] ?? String(reason);
export const kindName = (kind) => KINDS[kind] ?? kind;

/** A measured time: "0.42 s", "12.4 s", "3 min 05 s", "2 h 07 min". */
export function measured(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return long(Math.round(seconds));
}

/** The same for prose: "12 s". */
export function about(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  return seconds < 59.5 ? `${Math.round(seconds)} s` : long(Math.round(seconds));
}

function long(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** "3 pages", "1 checkpoint". */
export const count = (number, noun) =>
  `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** "just now", "4 min ago", and the date when it is older than a day. */
export function ago(at, now = Date.now()) {
  const seconds = (now - Date.parse(at)) / 1000;
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : day(at);
}

/** "24 November 2026". */
export const day = (at) =>
  new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });

export const percent = (value) =>
  value === null || value === undefined ? null : `${Math.floor(value)} %`;

/** Where the next attempt begins: "page 8", "step 4 of 10". */
export function place(step, task) {
  if (task?.kind === "web_scrape") return `page ${step + 1}`;
  const total = task?.input?.steps;
  return total ? `step ${Math.min(step + 1, total)} of ${total}` : `step ${step + 1}`;
}

/** Long text cut, and said to be cut. */
export function clipped(text, most) {
  const whole = String(text);
  return whole.length > most
    ? `${whole.slice(0, most)} … (${count(whole.length, "character")})`
    : whole;
}

/** One sentence or two on how the task stands now. */
export function situation(story, task, now) {
  const last = story.attempts.at(-1);
  const from = place(story.step, task);
  if (story.status === "queued") return waiting(last, from, now);
  if (story.status === "canceling") return "Cancel asked. The work stops at its next step.";
  if (story.status === "running" && now - story.latest > QUIET)
    return `No news for ${about(now - story.latest)}. If the worker has died, the task goes on from ${from} ${AT_MOST}.`;
  if (story.status === "running")
    return story.message
      ? clipped(story.message, 200)
      : `Attempt ${last?.number ?? 1} is at ${from}.`;
  return outcome(story);
}

function waiting(last, from, now) {
  if (!last) return "Waiting for a free worker.";
  const ran = about(last.last - last.from);
  if (LOST.has(last.ending))
    return `Worker lost after ${ran}. The task goes on from ${from} ${AT_MOST}.`;
  if (last.ending === "released")
    return `The worker was stopped after ${ran} and gave the task back. It goes on from ${from}.`;
  const left = last.retryIn === null ? 0 : last.until + last.retryIn * 1000 - now;
  const again = left > 500 ? `again in ${about(left)}` : "again as soon as a worker is free";
  return `Failed for now${last.error ? `: ${trimmed(last.error.message)}` : ""}. It is tried ${again}, from ${from}.`;
}

const trimmed = (text) => String(text).replace(/\.+$/, "");

function outcome(story) {
  const took = about(story.finished - story.created);
  if (story.status === "failed")
    return story.error ? clipped(story.error.message, 500) : `Failed after ${took}.`;
  const attempts = story.attempts.length;
  if (story.status === "canceled")
    return attempts ? `Canceled after ${took}.` : "Canceled before a worker took it.";
  return attempts > 1 ? `Done in ${took}, by ${attempts} attempts.` : `Done in ${took}.`;
}

/** A status event as a line of the log. */
export function statusLine(data) {
  const lines = {
    submitted: "Submitted.",
    claimed: `Claimed by ${data.worker ?? "a worker"}.`,
    cancel_requested: "Cancel asked.",
    released: "Handed back by its worker, which was stopped.",
    retry: `Failed for now: ${trimmed(data.error?.message ?? "no reason given")}. Tried again in ${data.retry_in} s${data.budget ? ` (failure ${data.failures} of ${data.budget} that are forgiven)` : ""}.`,
    worker_lost: "Worker lost. The task is queued again.",
    lease_expired: "Worker lost: its lease ran out. The task is queued again.",
  };
  if (data.status === "failed") return `Failed: ${data.error?.message ?? "no reason given"}`;
  if (FINAL.has(data.status)) return `${STATUS[data.status]}.`;
  return lines[data.reason] ?? `${STATUS[data.status] ?? data.status}.`;
}

/** How one attempt went, for the table and for the picture's name. */
export function attemptWords(attempt, now) {
  const ran = about((attempt.ending ? attempt.last : now) - attempt.from);
  const steps = count(attempt.count, "checkpoint");
  if (!attempt.ending) return `Attempt ${attempt.number} has run ${ran}, ${steps}, still at work`;
  return `Attempt ${attempt.number} ran ${ran}, ${steps}, ${ending(attempt.ending)}`;
}

/** The whole picture as one text. */
export function describe(story, now) {
  if (!story.attempts.length)
    return `${STATUS[story.status] ?? "No events yet"}, no attempt so far.`;
  const parts = story.attempts.flatMap((attempt, index) => {
    const gap = index > 0 ? attempt.from - story.attempts[index - 1].last : 0;
    const words = attemptWords(attempt, now);
    return gap > 0 ? [`${measured(gap)} without work`, words.toLowerCase()] : [words];
  });
  if (FINAL.has(story.status))
    parts.push(`${story.status} after ${about(story.finished - story.created)}`);
  return `${parts.join("; ")}.`;
}
