/** The start page: submit on the left, the tasks of the server on the right. */

import { h } from "../dom.js";
import { submitting } from "./submit.js";
import { tasks } from "./list.js";

export function home(context, query) {
  const form = submitting(context);
  const list = tasks(context, query);
  const element = h("div", { class: "home-page" }, [
    h("h1", { class: "unseen", tabindex: -1 }, "Tasks of this demo"),
    form.element,
    list.element,
  ]);
  return { element, title: "Tasks · Long-running operations", leave: list.leave };
}
