/** Finding a running demo: asked of this page's own server, or of this machine after a click. */

import { call } from "./api.js";

const PATIENCE = 15_000; // whoever is not the stack says so at once; a busy stack takes its time

/**
 * Whether this page is served by the stack itself. A static host is never asked for `/livez`: only
 * the stack answers this page with a Content-Security-Policy.
 */
export async function servedByStack() {
  if (!location.protocol.startsWith("http")) return false;
  try {
    const page = await fetch(location.pathname, {
      method: "HEAD",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!page.headers.get("Content-Security-Policy")) return false;
    return (await call(location.origin, "livez", { deadline: PATIENCE })).status === 200;
  } catch {
    return false;
  }
}

/** Asks a demo on this machine: "ok", or "refused" by the browser, or "nothing" that may be read. */
export async function knock(origin) {
  try {
    await fetch(new URL("livez", origin), {
      signal: AbortSignal.timeout(PATIENCE * 2),
      cache: "no-store",
    });
    return "ok";
  } catch {
    return (await denied()) ? "refused" : "nothing";
  }
}

/** Chrome asks before a public page may talk to this machine, and remembers a no. */
async function denied() {
  for (const name of ["loopback-network", "local-network-access"]) {
    const permission = await navigator.permissions?.query({ name }).catch(() => null);
    if (permission?.state === "denied") return true;
  }
  return false;
}

/** What a failed knock means and what to do, in words: a page can't see why it got no answer. */
export function reason(why, origin) {
  if (why === "refused") {
    return `The browser refused: this page may not talk to ${origin}. Allow “Local network access” in the site's settings, or open the guide that the demo serves itself:`;
  }
  const command = `DEMO_DOCS_ORIGIN=${location.origin} make demo`;
  return `No answer from ${origin} that this page may read. Either no demo runs there, or it does not let this page in. Start it with “${command}”, or open the guide that the demo serves itself:`;
}
