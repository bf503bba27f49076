/** Retry: a new task like this one, with input that may be changed first. */

import { retry } from "../api.js";
import { h } from "../dom.js";
import { ready } from "../upload.js";
import { fieldset, kinds } from "./fields.js";
import { sender } from "./submit.js";

export const again = (context, task) =>
  repeated(context, task, (input, key) => retry(context.base, task.id, input, key));

/** The form of a retry, whichever way it is sent; several may be on one page. */
export function repeated(context, { id, kind, input }, ask) {
  const known = kinds.includes(kind);
  const fields = known ? fieldset(kind, input, `again-${id}`) : unchanged();
  const send = async (key) =>
    ask(known ? await ready(context.base, { ...input, ...fields.read() }, fields.tell) : null, key);
  const words =
    "A retry is a new task; this one stays as it is. Change the input first if that was the reason.";
  return h(
    "div",
    { class: "again" },
    h("p", { class: "hint" }, words),
    sender(context, { fields, send, words: "Retry as a new task" }),
  );
}

const unchanged = () => ({
  element: h("p", {}, "The input stays as it was."),
  blame: (errors) => errors,
});
