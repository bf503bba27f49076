/** The page: which view the address asks for, and whether the API answers. */

import "./task-stream.js";
import { SIGNED_OUT } from "./api.js";
import { Banner } from "./banner.js";
import { operating } from "./views/operating.js";
import { home } from "./views/home.js";
import { Session } from "./views/session.js";
import { system } from "./views/system.js";
import { task } from "./views/task.js";

export const BASE = new URL("./", document.baseURI).href;

const main = document.getElementById("main");
const banner = new Banner(document.getElementById("banner"));
const session = new Session(BASE);
let leave = () => {};

/** `#/tasks/{id}` is a task, `#/operations` for operators; anything else is the start page, with the list's filters after "?". */
function route() {
  const [path, query] = location.hash.slice(1).split("?");
  leave();
  const context = { base: BASE, banner };
  const view = session.needed ? session.view() : wanted(context, path, query);
  leave = view.leave;
  document.title = view.title;
  main.replaceChildren(view.element);
}

function wanted(context, path, query) {
  const found = /^\/tasks\/([\w-]+)$/.exec(path);
  if (found) return task(context, found[1]);
  return path === "/operations" ? operating(context) : home(context, new URLSearchParams(query));
}

function navigated() {
  if (location.hash === "#main") return;
  route();
  scrollTo(0, 0);
  main.querySelector("h1")?.focus();
}

/** Once for all the calls that are refused together. */
async function signedOut() {
  if (session.needed) return;
  await session.ask();
  if (session.needed) route();
}

addEventListener("hashchange", navigated);
addEventListener(SIGNED_OUT, signedOut);
document.getElementById("session").append(session.element);
await session.ask();
document.getElementById("system").append(system({ base: BASE, banner }));
route();
