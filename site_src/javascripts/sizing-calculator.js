/** `<sizing-calculator>`: the modules of snippets/sizing/ as a form; nothing leaves the page. */

import { h, say } from "../assets/demo-ui/dom.js";
import { measured, plan } from "../assets/sizing/plan.mjs";
import { EXAMPLES, INPUTS, profile } from "../assets/sizing/profile.mjs";
import { together } from "../assets/sizing/together.mjs";
import { traps } from "../assets/sizing/traps.mjs";
import { files, values } from "../assets/sizing/yaml.mjs";

const FIGURES = new URL("../assets/figures/measure.json", import.meta.url);
const GROUPS = {
  "Your tasks, in the busiest hour": ["name", "hourly", "bursts", "takes", "p95", "step"],
  "What you promise": ["within", "share"],
  "One task at its peak": ["cpu", "memory", "slots"],
  "Who watches": ["watchers", "polls"],
  Nodes: ["vm", "maxPods", "daemonCpu", "daemonMemory", "zones", "spot", "away", "target", "boot"],
  Workers: ["grace", "signal", "ack"],
};

class SizingCalculator extends HTMLElement {
  async connectedCallback() {
    if (this.form) return;
    this.form = h("form", { class: "calc-form", submit: (event) => event.preventDefault() });
    this.answer = h("div", { class: "calc-answer" });
    this.kept = []; // profiles of other kinds, as they were typed
    this.headline = h("p", { class: "calc-headline", role: "status" });
    this.append(this.#examples(), this.form, this.headline, this.answer);
    this.form.append(...Object.entries(GROUPS).map(([title, names]) => group(title, names)));
    this.form.addEventListener("input", () => this.#calculate());
    const answer = await fetch(FIGURES);
    this.recorded = await answer.json();
    this.#calculate();
  }

  #examples() {
    const buttons = Object.entries(EXAMPLES).map(([name, example]) =>
      h("button", { type: "button", class: "calc-button", click: () => this.#take(example) }, name),
    );
    return h("p", { class: "calc-examples" }, "Begin with ", buttons);
  }

  #take(example) {
    for (const [name, value] of Object.entries(profile(example))) field(this.form, name).value = value;
    this.#calculate();
  }

  #calculate() {
    const given = Object.fromEntries(Object.keys(INPUTS).map((name) => [name, field(this.form, name).value]));
    let wrong = this.#mark(given);
    let found;
    try {
      found = wrong ? null : plan(profile(given), measured(this.recorded));
    } catch (error) {
      wrong = error.message;
    }
    if (wrong) {
      say(this.headline, wrong);
      this.answer.replaceChildren();
      return;
    }
    const server = `${found.postgres.kept.toLocaleString("en")} PostgreSQL connections`;
    const nodes = Number.isFinite(found.nodes) ? `${found.nodes} nodes` : "no node it fits";
    say(this.headline, `${found.slots} slots, ${found.pods} pods, ${nodes}, ${server}`);
    const several = this.#several(given, found);
    this.answer.replaceChildren(warnings(found), steps(found), written(found, given), several, this.#source());
  }

  /** The kinds that were kept, beside the one in the form: what they come to, and their values. */
  #several(given, found) {
    const others = this.kept.filter(({ name }) => name !== given.name);
    const keep = h("button", { type: "button", class: "calc-button calc-keep", click: () => this.#keep([...others, given]) },
      `Keep ${given.name}, plan another kind beside it`);
    if (!others.length) return h("div", { class: "calc-kinds" }, keep);
    const host = measured(this.recorded);
    const plans = [...others.map((other) => plan(profile(other), host)), found];
    const all = together(plans, host);
    const drop = others.map((other) =>
      h("button", { type: "button", class: "calc-button", click: () => this.#keep(others.filter((one) => one !== other)) },
        `Without ${other.name}`));
    return h("div", { class: "calc-kinds" }, h("p", {}, h("strong", {}, `Together: ${all.names.join(", ")}`)),
      steps(all, "The kinds together"), h("div", { class: "calc-files" }, file("values.yaml of all", values(all, plans))),
      h("p", { class: "calc-examples" }, keep, drop));
  }

  #keep(kinds) {
    this.kept = kinds;
    this.#calculate();
    this.form.scrollIntoView();
    field(this.form, "name").select();
    field(this.form, "name").focus();
  }

  /** Marks what is wrong; its first sentence, if any. */
  #mark(given) {
    let first = null;
    for (const [name, value] of Object.entries(given)) {
      let message = null;
      try {
        profile({ [name]: value });
      } catch (error) {
        message = error.message.replace(`${name}:`, `${INPUTS[name].label}:`);
      }
      const input = field(this.form, name);
      input.setCustomValidity(message ?? "");
      input.toggleAttribute("aria-invalid", Boolean(message));
      first ??= message;
    }
    return first;
  }

  #source() {
    const { date, machine } = this.recorded.recorded;
    const words = `Memory, rates and pools of one process come from make measure: ours of ${date.slice(0, 10)}, ${machine}.`;
    return h("p", { class: "calc-source" }, words);
  }
}

const field = (form, name) => form.elements.namedItem(name);

const group = (title, names) =>
  h("fieldset", {}, h("legend", {}, title), names.map((name) => labelled(name, INPUTS[name])));

function labelled(name, { label, unit, choices, text, value }) {
  const input = choices
    ? h("select", { name }, choices.map((choice) => h("option", { selected: choice === value }, choice)))
    : h("input", { name, value: String(value), inputmode: text ? "text" : "decimal", autocomplete: "off" });
  return h("label", {}, h("span", {}, label, unit && h("small", {}, ` ${unit}`)), input);
}

const warnings = (found) =>
  h("ul", { class: "calc-traps" }, traps(found).map(({ id, text }) => h("li", { "data-trap": id }, text)));

function steps({ steps: rows }, name = "The arithmetic") {
  const head = h("tr", {}, ["What", "Result", "Arithmetic"].map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map(({ name, formula, result }) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "calc-result" }, result), h("td", {}, formula)),
  );
  return h("div", { class: "calc-steps", tabindex: 0, role: "region", "aria-label": name },
    h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

/** The command line that gives the same, and the files. */
function written(found, given) {
  const told = Object.entries(given).filter(([name, value]) => value !== String(INPUTS[name].value));
  const words = told.map(([name, value]) => ` --${name} ${value}`).join("");
  const all = { command: `node snippets/sizing/size.mjs${words}`, ...files(found) };
  return h("div", { class: "calc-files" }, Object.entries(all).map(([name, text]) => file(name, text)));
}

function file(name, text) {
  const copy = h("button", { type: "button", class: "calc-button calc-copy", click: () => copied(copy, text) }, "Copy");
  const shown = h("pre", { tabindex: 0 }, h("code", {}, text));
  return h("details", { open: name === "values.yaml" }, h("summary", {}, name), copy, shown);
}

async function copied(button, text) {
  await navigator.clipboard.writeText(text);
  say(button, "Copied");
  setTimeout(() => say(button, "Copy"), 2000);
}

customElements.define("sizing-calculator", SizingCalculator);
