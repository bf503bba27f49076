/** Who is signed in, and the way in and out. The page itself holds no token and no cookie. */

import { call, SIGNED_OUT } from "../api.js";
import { h } from "../dom.js";

export class Session {
  element = h("div", { class: "session" });
  #base;
  #told = {};

  constructor(base) {
    this.#base = base;
  }

  /** Whether nothing can be shown before somebody signs in. */
  get needed() {
    return Boolean(this.#told.sign_in && !this.#told.name);
  }

  /** Asks the server, which alone can read the cookie. */
  async ask() {
    const { body } = await call(this.#base, "session").catch(() => ({ body: {} }));
    this.#told = body;
    this.element.replaceChildren(...(body.sign_in && body.name ? this.#who(body.name) : []));
  }

  #who(name) {
    const out = async () => {
      await call(this.#base, "session/sign-out", { method: "POST" }).catch(() => null);
      dispatchEvent(new Event(SIGNED_OUT));
    };
    return [h("span", {}, name), h("button", { type: "button", click: out }, "Sign out")];
  }

  /** The view for those who are not signed in; they come back to where they were going. */
  view() {
    const to = `/${location.hash.length > 1 ? location.hash : ""}`;
    const href = new URL(`session/sign-in?${new URLSearchParams({ to })}`, this.#base).href;
    const element = h("article", { class: "welcome" }, [
      h("h1", { tabindex: -1 }, "Sign in"),
      h("p", {}, "This server shows each tenant its own tasks. It has to know who you are."),
      h("p", {}, h("a", { class: "primary", href }, "Sign in")),
    ]);
    return { element, title: "Sign in", leave: () => {} };
  }
}
