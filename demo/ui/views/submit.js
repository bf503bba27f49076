/** Submitting a task: kinds as tabs, an example that works, one button. */

import { curlSubmit, newKey, submit } from "../api.js";
import { h } from "../dom.js";
import { ready } from "../upload.js";
import { kindName } from "../words.js";
import { PURPOSE, example, fieldset, kinds } from "./fields.js";

export function submitting(context) {
  const tabs = kinds.map((kind) => tab(kind));
  const panel = h("div", { role: "tabpanel", id: "kind-panel", tabindex: -1 });
  const forms = new Map(kinds.map((kind) => [kind, form(context, kind)]));

  function choose(kind, focus = false) {
    for (const one of tabs) {
      const chosen = one.dataset.kind === kind;
      one.setAttribute("aria-selected", chosen);
      one.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) one.focus();
    }
    panel.setAttribute("aria-labelledby", `kind-${kind}`);
    panel.replaceChildren(forms.get(kind));
  }

  function tab(kind) {
    const click = () => choose(kind);
    return h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `kind-${kind}`,
        "data-kind": kind,
        "aria-controls": "kind-panel",
        click,
      },
      kindName(kind),
    );
  }

  const keydown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const place = tabs.indexOf(document.activeElement);
    choose(kinds[(place + by + kinds.length) % kinds.length], true);
  };

  choose(kinds[0]);
  const element = h("section", { class: "submit", "aria-labelledby": "submit-title" }, [
    h("h2", { id: "submit-title" }, "Submit a task"),
    h("div", { role: "tablist", class: "tabs", "aria-label": "Kind of task", keydown }, tabs),
    panel,
  ]);
  return { element };
}

function form(context, kind) {
  const fields = fieldset(kind, example(kind, context.base), kind);
  const send = async (key) =>
    submit(context.base, kind, await ready(context.base, given(fields.read()), fields.tell), key);
  const command = h("code");
  const told = () => {
    command.textContent = curlSubmit(context.base, kind, named(given(fields.read())));
  };
  const element = sender(context, {
    fields,
    send,
    words: `Submit ${kindName(kind).toLowerCase()}`,
  });
  element.prepend(h("p", { class: "hint" }, PURPOSE[kind]));
  element.addEventListener("input", told);
  element.append(
    h(
      "details",
      { class: "curl" },
      h("summary", {}, "The same with curl"),
      h("pre", { tabindex: 0 }, command),
    ),
  );
  told();
  return element;
}

/** A file has no place in a command: it is uploaded before. */
const named = (input) => ("upload" in input ? { ...input, upload: "ID OF AN UPLOAD" } : input);

/** Without what was left empty: the server has defaults for it. */
const given = (input) =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));

/** A form that submits once, however often it is sent, and then goes to the task. */
export function sender({ banner }, { fields, send, words }) {
  let key = newKey();
  const button = h("button", { class: "primary" }, words);
  const trouble = h("p", { class: "complaint", role: "alert", hidden: true });

  const complain = (text) => {
    trouble.textContent = text;
    trouble.hidden = false;
  };

  const submitted = async (event) => {
    event.preventDefault();
    button.disabled = true;
    trouble.hidden = true;
    fields.blame([]);
    try {
      const { body } = await banner.watch(send(key));
      location.hash = `#/tasks/${body.id}`;
    } catch (error) {
      // an answer settles what this key was for; without one the same key asks again
      if (error.status) key = newKey();
      refused(error);
    } finally {
      button.disabled = false;
    }
  };

  function refused(error) {
    if (!error.status)
      return complain(
        "The API does not answer, so it is not known whether the task was accepted. Sending the form again can't make a second one.",
      );
    const strays = fields.blame(error.errors);
    if (strays.length || !error.errors.length)
      complain([error.message, ...strays.map((one) => one.message)].join(" "));
  }

  return h(
    "form",
    { novalidate: true, submit: submitted },
    fields.element,
    h("div", { class: "actions" }, button),
    trouble,
  );
}
