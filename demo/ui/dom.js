/** Elements without markup strings: text stays text, whatever it holds. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; functions become listeners, null and false leave an attribute out. */
export const h = (tag, attributes, ...children) =>
  build(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const s = (tag, attributes, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** A link to a web address that came as data; anything else than http(s) stays text. */
export function outward(url, ...children) {
  const words = children.length ? children : [String(url)];
  if (!/^https?:\/\//i.test(String(url))) return h("span", {}, ...words);
  return h("a", { href: url, rel: "noopener noreferrer" }, ...words);
}

/** Sets a node's text only when it differs, so that selections and screen readers are left alone. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Whether the reader asked for less movement. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
