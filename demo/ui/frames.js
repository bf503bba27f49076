/** Reads server-sent events from an answer of `fetch`, where status, headers and comments are seen. */

/** Yields `{type, data, retry}` for each block, and null for a comment: somebody is there. */
export async function* frames(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (text + part.value).replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop();
      if (!blocks.length) yield null;
      yield* blocks.map(frame);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function frame(block) {
  const fields = { event: "message", data: [], retry: null };
  for (const line of block.split("\n")) {
    const [, name, value] = line.match(/^([^:]*):? ?(.*)$/s);
    if (name === "data") fields.data.push(value);
    else if (name in fields) fields[name] = value;
  }
  if (!fields.data.length) return null;
  const retry = /^\d+$/.test(fields.retry) ? Number(fields.retry) : null;
  return { type: fields.event, data: fields.data.join("\n"), retry };
}
