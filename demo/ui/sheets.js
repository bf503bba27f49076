/** The style sheets of a shadow tree, as files: a strict CSP lets no inline style in. */

import { h } from "./dom.js";

const SHEETS = ["./timeline.css", "./task-stream.css"];

/** The links to put into a shadow tree; `ready` is called when all are there, or failed. */
export function sheets(ready) {
  if (!getComputedStyle(document.documentElement).getPropertyValue("--lro-ink"))
    document.head.append(sheet("./tokens.css"));
  let missing = SHEETS.length;
  const one = () => {
    missing -= 1;
    if (missing === 0) ready();
  };
  return SHEETS.map((name) => sheet(name, one));
}

const sheet = (name, done) =>
  h("link", {
    rel: "stylesheet",
    href: new URL(name, import.meta.url).href,
    load: done,
    error: done,
  });
