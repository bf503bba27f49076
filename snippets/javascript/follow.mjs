// Follow a task to its end, over cut connections; print each event once, as a line of JSON.
//
// usage: node follow.mjs MONITOR [LAST]     LAST: number of the last event already seen
// TOKEN: sent when it is set
//
// In a browser: import { follow } from "./follow.mjs"; with fetch any header is possible.

// --8<-- [start:frames]
/** Yield the whole frames of one answer as `{id, type, data, retry}`, without comments. */
export async function* frames(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value.replaceAll("\r", ""); // lines may end in CR LF
      const blocks = text.split("\n\n");
      text = blocks.pop(); // not complete yet
      for (const block of blocks) {
        const lines = block.split("\n").map((line) => line.split(/: ?(.*)/, 2));
        const field = Object.fromEntries(lines);
        if (!field.data) continue;
        yield { id: field.id, type: field.event, data: field.data, retry: field.retry };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
// --8<-- [end:frames]

// --8<-- [start:follow]
/** Yield each frame of a task once, until its end. */
export async function* follow(monitorUrl, options = {}) {
  const { headers = {}, signal } = options;
  let { last = "0", pause = 2000 } = options;
  while (true) {
    let later = 0;
    try {
      const answer = await fetch(`${monitorUrl}/stream`, {
        headers: { ...headers, "Last-Event-ID": last },
        signal,
      });
      if (answer.status === 204) return; // nothing comes after `last`, ever
      const busy = answer.status === 429 || answer.status >= 500; // refused for now
      if (!answer.ok && !busy) throw new Error(`refused: ${answer.status}`);
      later = 1000 * answer.headers.get("Retry-After") || 0;
      for await (const frame of answer.ok ? frames(answer) : []) {
        last = frame.id;
        pause = options.pause ?? frame.retry ?? pause;
        yield frame;
        if (frame.type === "end") return;
      }
    } catch (problem) {
      // a TypeError is how fetch says that the connection was cut
      if (!(problem instanceof TypeError)) throw problem;
    }
    await new Promise((next) => setTimeout(next, Math.max(pause, later)));
  }
}
// --8<-- [end:follow]

const [monitor, last] = globalThis.process?.argv.slice(2) ?? [];
if (monitor) {
  const token = process.env.TOKEN;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    for await (const frame of follow(monitor, { headers, last })) console.log(frame.data);
  } catch (problem) {
    console.error(problem.message);
    process.exit(1);
  }
}
