/** Calls to the stack, and what went wrong with them in words. */

const DEADLINE = 15_000;
/** Told to the window when the API says that nobody is asking. */
export const SIGNED_OUT = "signed-out";

/** An answer that says no: RFC 9457's members, or the bare status when there are none. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? problem?.title ?? `The API answered ${status}.`);
    Object.assign(this, {
      status,
      retryAfter,
      title: problem?.title ?? null,
      type: problem?.type ?? null,
    });
    this.errors = problem?.errors ?? [];
  }
}

/** No answer: the stack is down, or the browser did not let the request through. */
export class Unreachable extends Error {}

/** One request; `body` goes as JSON. Returns `{status, body, retryAfter, headers}`. */
export async function call(
  base,
  path,
  { method = "GET", body, headers = {}, deadline = DEADLINE } = {},
) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const request = {
    method,
    headers: { Accept: "application/json", ...json, ...headers },
    cache: "no-store",
  };
  if (body !== undefined) request.body = JSON.stringify(body);
  const answer = await fetch(new URL(path, base), {
    ...request,
    signal: AbortSignal.timeout(deadline),
  }).catch(unreachable);
  if (!answer.ok) throw await refused(answer);
  const read = await answer.json().catch(() => null);
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  return { status: answer.status, body: read, retryAfter, headers: answer.headers };
}

/** An open answer with events, or 204 when there will be none. */
export async function open(base, path, signal) {
  const headers = { Accept: "text/event-stream" };
  const answer = await fetch(new URL(path, base), { headers, cache: "no-store", signal });
  if (!answer.ok) throw await refused(answer);
  return answer;
}

async function refused(answer) {
  if (answer.status === 401) dispatchEvent(new Event(SIGNED_OUT));
  const read = await answer.json().catch(() => null);
  return new Refused(answer.status, read, Number(answer.headers.get("Retry-After")) || null);
}

function unreachable() {
  throw new Unreachable("The API does not answer.");
}

/** Submits a task. A request sent again with the same key makes no second task. */
export const submit = (base, kind, input, key) =>
  call(base, "tasks", {
    method: "POST",
    body: { kind, input },
    headers: { "Idempotency-Key": `"${key}"` },
  });

export const cancel = (base, id) =>
  call(base, `tasks/${encodeURIComponent(id)}/cancel`, { method: "POST" });

export const retry = (base, id, input, key) =>
  call(base, `tasks/${encodeURIComponent(id)}/retry`, {
    method: "POST",
    body: input === null ? undefined : { input },
    headers: { "Idempotency-Key": `"${key}"` },
  });

const letter = (base, id, verb, body) =>
  call(base, `dead-letters/${encodeURIComponent(id)}/${verb}`, { method: "POST", body });

/** Failed tasks that nobody has dealt with, and the entries of those that somebody has. */
export const deadLetters = (base) => call(base, "dead-letters?limit=50");
export const audit = (base) => call(base, "audit?limit=20");
export const retryLetter = (base, id, input) =>
  letter(base, id, "retry", input === null ? undefined : { input });
export const discardLetter = (base, id, reason) => letter(base, id, "discard", { reason });

export const monitor = (base, id) => call(base, `tasks/${encodeURIComponent(id)}`);

/** Reads a task's events after a number, page by page, at most `pages` of them. */
export async function* events(base, id, after, pages = Infinity) {
  let path = `tasks/${encodeURIComponent(id)}/events?after=${after}&limit=500`;
  for (let page = 0; path && page < pages; page += 1) {
    const { body } = await call(base, path);
    yield body.items;
    path = body.next;
  }
}

/** A fresh idempotency key; `randomUUID` alone would need a secure context. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** A command for the shell that submits the same task. */
export function curlSubmit(base, kind, input) {
  const body = JSON.stringify({ kind, input }).replaceAll("'", "'\\''");
  return `curl -i ${new URL("tasks", base)} -H 'Content-Type: application/json' -d '${body}'`;
}

/** A command for the shell that follows the same task. */
export const curlFollow = (base, id) => `curl -N ${new URL(`tasks/${id}/stream`, base)}`;
