/** The input of each kind as form fields; the server's word on a field is shown at the field. */

import { h } from "../dom.js";

const FAILURES = {
  permanent: "permanent: it fails at once",
  transient: "transient: it is tried again later",
  crash: "crash: the worker process dies",
  hang: "hang: it stops making progress",
};

const DELIMITERS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar" };

/** Fields by kind. `value` is an example that works as it is. */
const FIELDS = {
  web_scrape: [
    {
      name: "url",
      label: "Start page",
      mode: "url",
      hint: "Reads pages below this folder, one request a second; this guide faster.",
    },
    { name: "max_pages", label: "Pages at most", value: 10, mode: "numeric", hint: "1 to 50" },
  ],
  rehearsal: [
    {
      name: "steps",
      label: "Steps",
      value: 20,
      mode: "numeric",
      hint: "Each ends with a checkpoint.",
    },
    { name: "step_seconds", label: "Seconds a step", value: 1, mode: "decimal" },
    { name: "log_lines", label: "Log lines a step", value: 1, mode: "numeric" },
    {
      name: "fail_at",
      label: "Fail at step",
      value: "",
      mode: "numeric",
      hint: "Empty: it does not fail.",
    },
    { name: "failure", label: "How it fails", value: "permanent", choices: FAILURES },
    { name: "payload_bytes", label: "Padding, bytes an event", value: 0, mode: "numeric" },
  ],
  dataset_profile: [
    { name: "upload", label: "CSV file", file: true, hint: "UTF-8 with a header line, up to 2 GB." },
    { name: "delimiter", label: "Delimiter", value: ",", choices: DELIMITERS },
  ],
};

export const PURPOSE = {
  web_scrape:
    "A polite crawl. It reads pages, counts words, links and images, and finds broken links.",
  dataset_profile:
    "Uploads a CSV and profiles each column: types, nulls, distinct values, ranges, distributions.",
  rehearsal: "A stand-in for real work, to be slowed, failed or killed at will.",
};

/** Example input of a kind. */
export function example(kind, base) {
  const values = Object.fromEntries(FIELDS[kind].map(({ name, value }) => [name, value]));
  return kind === "web_scrape" ? { ...values, url: new URL("guide/", base).href } : values;
}

/** A set of fields: `element`, `read()`, `blame(errors)`. */
export function fieldset(kind, values, prefix) {
  const fields = FIELDS[kind].map((field) =>
    control(field, values[field.name], `${prefix}-${field.name}`),
  );
  return {
    element: h(
      "div",
      { class: "fields" },
      fields.map((field) => field.element),
    ),
    read: () => Object.fromEntries(fields.map((field) => [field.name, field.read()])),
    tell: (sent, size) => fields.find((field) => field.tell)?.tell(sent, size),
    /** Shows errors at their fields; returns those that belong to none. */
    blame(errors) {
      for (const field of fields) field.blame(null);
      const strays = errors.filter(
        (error) =>
          !fields.find((field) => field.name === lastName(error.field))?.blame(error.message),
      );
      fields.find((field) => field.blamed())?.focus();
      return strays;
    },
  };
}

const lastName = (path) =>
  String(path ?? "")
    .split(".")
    .at(-1);

function control(field, value, id) {
  return field.file ? chosen(field, value, id) : written(field, value, id);
}

/** A file to be uploaded; without one, the upload that the input has named so far. */
function chosen({ name, label, hint }, value, id) {
  const shared = { id, name, "aria-describedby": `${id}-hint ${id}-error` };
  const input = h("input", { ...shared, type: "file", accept: ".csv,.tsv,.txt,text/csv" });
  const bar = h("progress", { hidden: true, max: 1, "aria-label": "Upload" });
  const shell = framed({ name, label, input, hint, wide: true }, id);
  shell.element.append(bar);
  return {
    ...shell,
    read: () => input.files[0] ?? value ?? null,
    tell(sent, size) {
      bar.hidden = false;
      bar.value = sent / size;
    },
  };
}

function written({ name, label, mode, hint, choices }, value, id) {
  const shared = { id, name, "aria-describedby": `${id}-hint ${id}-error` };
  const input = choices
    ? h(
        "select",
        shared,
        Object.entries(choices).map(([key, text]) => h("option", { value: key }, text)),
      )
    : h("input", {
        ...shared,
        type: "text",
        inputmode: mode,
        autocomplete: "off",
        spellcheck: "false",
      });
  input.value = value ?? "";
  const wide = mode === "url" || Boolean(choices);
  const read = () => (choices ? input.value : parsed(input.value.trim(), mode));
  return { ...framed({ name, label, input, hint, wide }, id), read };
}

/** A control with its label, its hint and what the server says of it. */
function framed({ name, label, input, hint, wide }, id) {
  const error = h("p", { id: `${id}-error`, class: "field-error", hidden: true });
  const note = hint && h("p", { id: `${id}-hint`, class: "hint" }, hint);
  return {
    name,
    element: h(
      "div",
      { class: wide ? "field wide" : "field" },
      h("label", { for: id }, label),
      input,
      note,
      error,
    ),
    focus: () => input.focus(),
    blamed: () => !error.hidden,
    blame(message) {
      error.hidden = !message;
      error.textContent = message ?? "";
      if (message) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      return Boolean(message);
    },
  };
}

/** A number when it is one; what is none goes to the server as it is, which says why not. */
function parsed(text, mode) {
  if (mode !== "numeric" && mode !== "decimal") return text;
  if (text === "") return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

export const kinds = Object.keys(FIELDS);
