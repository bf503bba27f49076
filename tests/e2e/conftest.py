"""A real browser, watched: what a page says, asks for and opens is part of every test."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.e2e.runs import Run, recording, survived
from tests.hosting import hosted
from tests.stack import Stack, eventually

UI = Path(__file__).parents[2] / "demo" / "ui"
CSP = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><meta http-equiv="Content-Security-Policy" content="{csp}">
<link rel="stylesheet" href="/tokens.css">
<script type="module" src="/task-stream.js"></script></head>
<body><main>{body}</main></body></html>"""
WIDGET = """<task-stream recorded="recorded.json" origin-ask="{ask}" {more}></task-stream>"""

PATIENCE = 60_000  # ms; ends what hangs, and says nothing of how fast a page is
expect.set_options(timeout=PATIENCE)


@dataclass
class Watch:
    """What pages did that no page of ours may do."""

    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    # said by the browser itself when a server is gone on purpose
    forgiven: tuple[str, ...] = ()

    def on(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self._asked(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type in {"error", "warning"} and not any(one in text for one in self.forgiven):
            self.faults.append(text)

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        if url.startswith("http") and urlsplit(url).netloc not in self.hosts:
            self.faults.append(f"foreign request: {url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.faults == []


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A context that waits as long as `expect` does."""
    context = browser.new_context(locale="en-GB", **options)
    context.set_default_timeout(PATIENCE)
    return context


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[Open]:
    """Opens a URL in a context of its own: `open_page(url, width=320, scheme="dark")`."""
    contexts = []

    def open_(url: str, *, width: int = 1280, scheme: str = "light", motion: bool = True) -> Page:
        context = new_context(
            browser,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="no-preference" if motion else "reduce",
        )
        contexts.append(context)
        page = context.new_page()
        watch.hosts.add(urlsplit(url).netloc)
        watch.on(page)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def guide(stack: Stack) -> str:
    """The guide as the stack serves it, once it is built."""
    url = f"{stack.url}/guide/"
    eventually(
        lambda: "<task-stream" in stack.client.get("/guide/").text,
        within=240,
        what="the guide was not built",
    )
    return url


class _Elsewhere(SimpleHTTPRequestHandler):
    """A static host of the widget's files and of a page around it: no stack behind it."""

    pages: dict[str, tuple[str, str]]

    def do_GET(self) -> None:
        if self.path not in self.pages:
            return super().do_GET()
        kind, text = self.pages[self.path]
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Elsewhere:
    """A published page: `url` holds the widget with a recorded run."""

    url: str
    pages: dict[str, tuple[str, str]]

    def page(self, path: str, body: str, csp: str = CSP) -> str:
        self.pages[path] = ("text/html; charset=utf-8", PAGE.format(body=body, csp=csp))
        return self.url + path

    def recording(self, path: str, run: Run) -> None:
        self.pages[path] = ("application/json", json.dumps(recording(run)))

    def widget(self, ask: str = "http://127.0.0.1:9", more: str = "") -> str:
        """Where nothing runs on port 9, the discard port."""
        csp = f"{CSP}; connect-src 'self' {ask}"
        return self.page("/page.html", WIDGET.format(ask=ask, more=more), csp)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    handler = type("Handler", (_Elsewhere,), {"pages": {}})
    with hosted(partial(handler, directory=str(UI))) as url:
        site = Elsewhere(url, handler.pages)
        site.recording("/recorded.json", survived())
        yield site
