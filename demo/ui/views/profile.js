/** The profile of a data set: what is in each column, from the report that the result refers to. */

import { call } from "../api.js";
import { h, s } from "../dom.js";
import { count } from "../words.js";

const NUMBERS = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const WIDTH = 160;
const HEIGHT = 32;

export function profile({ report, rows, columns, bytes }, base) {
  const path = report.href.replace(/^\//, "");
  const place = h("p", { class: "quiet" }, "Reading the report …");
  const element = h("div", {}, [
    h("p", {}, `${count(rows, "row")}, ${count(columns, "column")}, ${size(bytes)}.`),
    h("p", {}, h("a", { href: new URL(path, base).href, download: "" }, "Download the report")),
    place,
  ]);
  call(base, path)
    .then(({ body }) => place.replaceWith(table(body)))
    .catch((error) => {
      place.textContent = `The report can't be read: ${error.message}`;
    });
  return element;
}

const size = (bytes) => `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
const shown = (value) => (typeof value === "number" ? NUMBERS.format(value) : (value ?? "–"));

function table({ rows, columns }) {
  const names = ["Column", "Type", "Nulls", "Distinct", "Range", "Mean", "Values"];
  const numeric = new Set(["Nulls", "Distinct", "Mean"]);
  const head = names.map((name) =>
    h("th", { scope: "col", class: numeric.has(name) && "number" }, name),
  );
  const body = columns.map((column) => row(column, rows));
  const drawn = h(
    "table",
    { class: "profile" },
    h("caption", {}, "Columns"),
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, body),
  );
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Columns" }, drawn);
}

function row(column, rows) {
  const number = (...content) => h("td", { class: "number" }, ...content);
  const range = column.min === null ? "–" : `${shown(column.min)} to ${shown(column.max)}`;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, column.name),
    h("td", {}, column.type),
    number(column.nulls.toLocaleString("en")),
    number(distinct(column.distinct)),
    h("td", { class: "range" }, range),
    number(shown(column.mean)),
    h("td", {}, column.histogram ? histogram(column) : frequent(column.top, rows)),
  );
}

function distinct({ value, exact, low, high }) {
  const told = value.toLocaleString("en");
  if (exact) return told;
  const bounds = `${low.toLocaleString("en")} to ${high.toLocaleString("en")}`;
  return [`≈ ${told}`, h("span", { class: "quiet" }, bounds)];
}

/** Rows over the range of values, the median as a line, all of it in words as well. */
function histogram({ min, max, percentiles, rank_error: error, histogram: { rows } }) {
  const most = Math.max(...rows);
  const step = WIDTH / rows.length;
  const bars = rows.map((value, place) => {
    const height = (value / most) * HEIGHT;
    return s("rect", { x: place * step, y: HEIGHT - height, width: step - 1, height });
  });
  const middle = ((percentiles["50"] - min) / (max - min)) * WIDTH;
  const words = `median ${shown(percentiles["50"])}, 5 % to 95 %: ${shown(percentiles["5"])} to ${shown(percentiles["95"])}`;
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT };
  const line = s("line", { x1: middle, x2: middle, y1: 0, y2: HEIGHT, class: "median" });
  const about = error ? `, rank ± ${NUMBERS.format(100 * error)} %` : "";
  return [
    s("svg", { ...box, class: "histogram", "aria-hidden": "true" }, bars, line),
    h("span", { class: "quiet" }, words + about),
  ];
}

function frequent(top, rows) {
  const items = top.slice(0, 5).map(({ value, count: times, at_most: most }) => {
    const share = ((100 * times) / rows).toFixed(times < rows / 100 ? 2 : 0);
    return h("li", {}, `${shown(value)} `, h("span", { class: "share" }, `${most ? "≥ " : ""}${share} %`));
  });
  return items.length ? h("ol", { class: "frequent" }, items) : "no frequent value";
}
