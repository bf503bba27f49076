/** A result, drawn for its kind. */

import { h, outward } from "../dom.js";
import { count } from "../words.js";
import { profile } from "./profile.js";

const KINDS = { web_scrape: scrape, dataset_profile: profile, rehearsal: rehearsed };

export function resultOf({ kind, result }, base) {
  try {
    return KINDS[kind]?.(result, base) ?? json(result);
  } catch {
    // a shape that this page does not know yet
    return json(result);
  }
}

const json = (value) => h("pre", { tabindex: 0 }, h("code", {}, JSON.stringify(value, null, 2)));

function scrape({ pages, broken }) {
  const words = pages.reduce((sum, page) => sum + page.words, 0);
  const said = `${count(pages.length, "page")}, ${count(words, "word")}, ${broken.length ? count(broken.length, "broken link") : "no broken link"}.`;
  return h("div", {}, [
    h("p", {}, said),
    table("Pages", ["Page", "Status", "Words", "Links", "Images"], pages.map(pageRow)),
    broken.length > 0 &&
      table("Broken links", ["Address", "Answer", "Found on"], broken.map(brokenRow)),
  ]);
}

function pageRow(page) {
  const number = (value) => h("td", { class: "number" }, value.toLocaleString("en"));
  const title = h(
    "td",
    {},
    outward(page.url, page.title || page.url),
    page.description && h("span", { class: "quiet" }, page.description),
  );
  return h(
    "tr",
    {},
    title,
    number(page.status),
    number(page.words),
    number(page.links),
    number(page.images),
  );
}

const brokenRow = ({ url, status, error, found_on: from }) =>
  h(
    "tr",
    {},
    h("td", {}, outward(url)),
    h("td", { class: "number" }, status ?? error),
    h("td", {}, outward(from)),
  );

function table(name, head, rows) {
  const numeric = new Set(["Status", "Words", "Links", "Images", "Answer"]);
  const cells = head.map((word) =>
    h("th", { scope: "col", class: numeric.has(word) && "number" }, word),
  );
  const body = h(
    "table",
    {},
    h("caption", {}, name),
    h("thead", {}, h("tr", {}, cells)),
    h("tbody", {}, rows),
  );
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, body);
}

function rehearsed({ steps, attempt }) {
  return h(
    "p",
    {},
    `${count(steps, "step")}, each committed once; the last one by attempt ${attempt}.`,
  );
}
