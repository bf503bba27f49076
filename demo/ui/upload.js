/** A file into a slot: with its progress told, and on from where a cut left it. */

import { Refused, Unreachable, call } from "./api.js";

const PAUSES = [1, 2, 4, 8];
const sent = new WeakMap();

/** The input with the id of an upload in the place of its file. */
export async function ready(base, input, tell) {
  if (!(input.upload instanceof File)) return input;
  const file = input.upload;
  if (!sent.has(file)) sent.set(file, await upload(base, file, tell));
  return { ...input, upload: sent.get(file) };
}

async function upload(base, file, tell) {
  const { body: slot } = await call(base, "uploads", { method: "POST", body: { size: file.size } });
  const here = `uploads/${slot.id}`;
  for (const pause of [...PAUSES, null]) {
    try {
      const { body: now } = await call(base, here);
      if (now.status === "open") await send(now, file, tell);
      break;
    } catch (error) {
      const passing = !error.status || error.status === 409 || error.status >= 500;
      if (!passing || pause === null) throw error;
      await new Promise((wake) => setTimeout(wake, pause * 1000));
    }
  }
  await call(base, `${here}/complete`, { method: "POST" });
  return slot.id;
}

/** `fetch` tells no progress of what it sends; its elder does. */
function send({ transfer, received, size }, file, tell) {
  const first = transfer.resumable ? received : 0;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(transfer.method, transfer.url);
    for (const [name, value] of Object.entries(transfer.headers))
      request.setRequestHeader(name, value);
    if (first) request.setRequestHeader("Content-Range", `bytes ${first}-${size - 1}/${size}`);
    request.upload.addEventListener("progress", ({ loaded }) => tell(first + loaded, size));
    request.addEventListener("error", () => reject(new Unreachable("The upload was cut.")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Refused(request.status, problem(request.responseText), null));
    });
    request.send(file.slice(first));
  });
}

function problem(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a store's own words
  }
}
