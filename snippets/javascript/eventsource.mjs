// Follow a task with EventSource: the browser reconnects, this handles what it does not.

const TYPES = ["status", "progress", "log", "end", "reset"];
const FINAL = ["succeeded", "failed", "canceled"];

// --8<-- [start:follow]
/** Call `onEvent(event)` once for each event, `onEnd(monitor)` at the end. */
export function follow(monitorUrl, onEvent, onEnd, last = 0) {
  let source;
  let timer;

  function open() {
    source = new EventSource(`${monitorUrl}/stream?after=${last}`);
    for (const type of TYPES) source.addEventListener(type, receive);
    source.addEventListener("error", lost);
  }

  function receive(message) {
    const body = JSON.parse(message.data);
    if (message.type === "reset") last = body.head;
    else deliver(body);
    if (message.type !== "end") return;
    source.close();
    look();
  }

  function deliver(event) {
    last = event.seq;
    onEvent(event);
  }

  // a cut connection comes back by itself; a status other than 200 ends it
  function lost() {
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(look, 2000);
  }

  async function look() {
    const monitor = await read(monitorUrl);
    if (FINAL.includes(monitor?.status)) finish(monitor);
    else if (monitor?.gone) onEnd(null);
    else if (monitor) open();
    else timer = setTimeout(look, 5000);
  }

  async function finish(monitor) {
    // what came while nobody listened
    let page = { next: `${monitor.links.events}?after=${last}` };
    while (page?.next) {
      page = await read(page.next);
      page?.items.forEach(deliver);
    }
    if (page) onEnd(monitor);
    else timer = setTimeout(look, 5000);
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
// --8<-- [end:follow]

async function read(url) {
  try {
    const answer = await fetch(url);
    if ([404, 410].includes(answer.status)) return { gone: true };
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // not now
  }
}
