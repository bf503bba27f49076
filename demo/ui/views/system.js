/** The state of the system in the page's header, in words. */

import { call, Unreachable } from "../api.js";
import { h, say } from "../dom.js";

const EVERY = 15_000;
const SHAPES = { ok: "●", degraded: "◐", down: "✕", unknown: "○" };

/** The header's line; it asks for as long as the page lives. */
export function system({ base, banner }) {
  const shape = h("span", { "aria-hidden": "true", class: "shape" });
  const words = h("span", {}, "Asking …");
  const element = h("a", { class: "system", href: new URL("status", base).href }, shape, words);

  const show = (state, text) => {
    element.dataset.state = state;
    say(shape, SHAPES[state]);
    say(words, text);
  };

  const ask = async () => {
    try {
      const { body } = await banner.watch(call(base, "status"));
      show(...judged(body));
    } catch (error) {
      const known = error.status === 401 ? "unknown" : "down";
      show(known, said(error));
    }
    setTimeout(ask, EVERY);
  };
  ask();
  return element;
}

function said(error) {
  if (error instanceof Unreachable) return "API does not answer";
  return error.status === 401 ? "Not signed in" : error.message;
}

/** What an answer of `/status` means for the reader. */
function judged({ degraded }) {
  return degraded.length
    ? ["degraded", `Degraded: ${degraded.join("; ")}`]
    : ["ok", "All parts answer"];
}
