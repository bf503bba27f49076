// Follow a task in Node.js with npm's eventsource; print each event once, as a line of JSON.
//
// usage: node follow-eventsource.mjs MONITOR [LAST]     LAST: number of the last event already seen
// TOKEN: sent when it is set

import { EventSource } from "eventsource";

const TYPES = ["status", "progress", "log", "end", "reset"];
const token = process.env.TOKEN;

// --8<-- [start:follow]
// while it waits to come back, nothing of the package keeps Node.js from ending, without a word
const awake = setInterval(() => {}, 60_000);

function follow(monitorUrl, last) {
  const source = new EventSource(`${monitorUrl}/stream?after=${last}`, { fetch: withToken });
  for (const type of TYPES) {
    source.addEventListener(type, (frame) => {
      last = frame.lastEventId;
      console.log(frame.data);
      if (type === "end") over(source);
    });
  }
  // a cut comes back by itself; any status but 200 closes it for good
  source.addEventListener("error", ({ code }) => {
    if (source.readyState !== source.CLOSED) return;
    if (code >= 500) return setTimeout(() => follow(monitorUrl, last), 2000);
    over(source);
    if (code === 204) return; // nothing comes after `last`, ever
    console.error(`refused: ${code}`);
    process.exitCode = 1;
  });
}

function over(source) {
  source.close();
  clearInterval(awake);
}

function withToken(url, init) {
  const headers = token ? { ...init.headers, Authorization: `Bearer ${token}` } : init.headers;
  return fetch(url, { ...init, headers });
}
// --8<-- [end:follow]

const [monitor, last = "0"] = process.argv.slice(2);
follow(monitor, last);
