// Follow a task in a browser with @microsoft/fetch-event-source: any header, and its traps.

import { fetchEventSource } from "@microsoft/fetch-event-source";

class Refused extends Error {}

// --8<-- [start:follow]
/** Call `onEvent(event)` once for each event, until the end. */
export function follow(monitorUrl, onEvent, { headers = {}, last = "0" } = {}) {
  const over = new AbortController();
  // the library counts an event when its `id:` arrives: cut before its data, it would be lost
  const from = (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, "last-event-id": last } });
  return fetchEventSource(`${monitorUrl}/stream`, {
    headers,
    fetch: from,
    signal: over.signal,
    openWhenHidden: true, // else a tab that is hidden and shown again connects anew
    async onopen({ ok, status }) {
      if (status === 204) over.abort(); // nothing comes after `last`, ever
      else if (status < 500 && !ok) throw new Refused(`refused: ${status}`);
      else if (!ok) throw new Error(`not now: ${status}`);
    },
    onmessage({ id, event, data }) {
      last = id;
      onEvent(JSON.parse(data));
      if (event === "end") over.abort();
    },
    onclose() {
      throw new Error("closed before the end"); // else a clean close ends the following
    },
    onerror(problem) {
      if (problem instanceof Refused) throw problem; // else it comes back
    },
  });
}
// --8<-- [end:follow]
