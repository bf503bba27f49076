"""Six clients of server-sent events, each cut at least twice: nothing lost, nothing twice, 204."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from site_src._tools.fetch import INSTALL, current, install
from tests.stack import Stack

from .conftest import SNIPPETS
from .cutting import CuttingProxy
from .programs import NODE

MODULES = INSTALL / "node_modules"
TABLE = SNIPPETS / "proxies" / "clients.md"
PROGRAMS = {
    "curl -N": ["sh", str(SNIPPETS / "curl" / "follow.sh")],
    "httpx-sse": [sys.executable, str(SNIPPETS / "python" / "follow.py")],
    "sseclient-py": [sys.executable, str(SNIPPETS / "python" / "follow_sseclient.py")],
    "eventsource (npm)": [str(NODE), "follow-eventsource.mjs"],
}
PAGES = {
    "@microsoft/fetch-event-source": """async ([monitor, last]) => {
      const { follow } = await import("/snippet/fetch-event-source.mjs");
      const lines = [];
      await follow(monitor, (event) => lines.push(JSON.stringify(event)), { last });
      return lines;
    }""",
    # nothing but the browser: it is never closed, so only 204 can end it
    "EventSource of Chromium": """([monitor, last]) => new Promise((end) => {
      const source = new EventSource(`${monitor}/stream?after=${last}`);
      const lines = [];
      for (const type of ["status", "progress", "log", "end"])
        source.addEventListener(type, (frame) => lines.push(frame.data));
      source.onerror = () => source.readyState === EventSource.CLOSED && end(lines);
    })""",
}
BY_ITSELF = {"eventsource (npm)", "@microsoft/fetch-event-source", "EventSource of Chromium"}
CLIENTS = [*PROGRAMS, *PAGES]
IMPORTS = json.dumps({"imports": {"@microsoft/fetch-event-source": "/npm/index.js"}})
EMPTY = f'<!doctype html><script type="importmap">{IMPORTS}</script><p>'


@dataclass(frozen=True)
class Followed:
    """What a client got of a task over cut connections, and what it got when it had everything."""

    lines: list[str]
    cuts: int
    rest: list[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where npm's packages are found, as in a reader's project."""
    if not current():
        install()
    place = tmp_path_factory.mktemp("project")
    (place / "node_modules").symlink_to(MODULES)
    name = "follow-eventsource.mjs"
    (place / name).write_text((SNIPPETS / "javascript" / name).read_text())
    return place


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.route("**/snippet/*.mjs", lambda route: _file(route, SNIPPETS / "javascript"))
    esm = MODULES / "@microsoft" / "fetch-event-source" / "lib" / "esm"
    page.route("**/npm/**", lambda route: _file(route, esm))
    page.route("**/empty", lambda route: route.fulfill(content_type="text/html", body=EMPTY))
    yield page
    page.close()


def _file(route: Route, folder: Path) -> None:
    name = route.request.url.rpartition("/")[2]
    path = folder / (name if "." in name else f"{name}.js")
    route.fulfill(path=path, content_type="text/javascript")


@pytest.fixture(scope="module")
def matrix(stack: Stack, folder: Path, page: Page) -> dict[str, Followed]:
    """All clients follow one task at once, each through a proxy of its own."""
    task = stack.submit(steps=10, step_seconds=0.2)
    monitor = task["links"]["self"]
    with ExitStack() as open_:
        proxies = {
            name: open_.enter_context(CuttingProxy(stack.url, limit=1500)) for name in CLIENTS
        }
        running = {
            name: _started([*command, proxies[name].through(monitor)], folder)
            for name, command in PROGRAMS.items()
        }
        lines = {name: _shown(page, proxies[name], script, monitor, "0")
                 for name, script in PAGES.items()}  # fmt: skip
        lines |= {name: _said(program) for name, program in running.items()}
        cuts = {name: proxy.cuts for name, proxy in proxies.items()}
        last = str(stack.events(task)[-1]["seq"])
        rest = {name: _said(_started([*command, monitor, last], folder))
                for name, command in PROGRAMS.items()}  # fmt: skip
        rest |= {name: _shown(page, proxies[name], script, monitor, last)
                 for name, script in PAGES.items()}  # fmt: skip
    matrix = {name: Followed(lines[name], cuts[name], rest[name]) for name in CLIENTS}
    matrix["truth"] = Followed([_line(event) for event in stack.events(task)], 0, [])
    return matrix


def _started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=clean, stdout=pipe, stderr=pipe, text=True)


def _said(program: subprocess.Popen[str]) -> list[str]:
    out, err = program.communicate(timeout=150)
    assert (program.returncode, err) == (0, "")
    return [_line(json.loads(line)) for line in out.splitlines()]


def _shown(page: Page, proxy: CuttingProxy, script: str, monitor: str, last: str) -> list[str]:
    page.goto(f"{proxy.url}/empty")
    lines = page.evaluate(script, [proxy.through(monitor), last])
    return [_line(json.loads(line)) for line in lines]


def _line(event: dict[str, Any]) -> str:
    """An event to compare; JavaScript writes 10.0 as 10."""
    return re.sub(r"\.0\b", "", json.dumps(event, separators=(",", ":")))


@pytest.mark.claim("clients.matrix")
@pytest.mark.parametrize("name", CLIENTS)
def test_nothing_is_lost_and_nothing_comes_twice(matrix: dict[str, Followed], name: str) -> None:
    found = matrix[name]
    assert found.lines == matrix["truth"].lines
    assert found.cuts >= 2


@pytest.mark.claim("clients.no-content")
@pytest.mark.parametrize("name", CLIENTS)
def test_204_ends_the_reconnecting(matrix: dict[str, Followed], name: str) -> None:
    assert matrix[name].rest == []


def release(name: str, browser: Browser) -> str:
    """The version of a client."""
    if name.startswith("curl"):
        told = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
        return told.stdout.split()[1]
    if name.startswith("EventSource"):
        return browser.version.split(".")[0]
    if name in {"httpx-sse", "sseclient-py"}:
        return version(name)
    package = MODULES / name.removesuffix(" (npm)") / "package.json"
    return str(json.loads(package.read_text())["version"])


@pytest.mark.claim("clients.table")
def test_the_guide_shows_this_table(matrix: dict[str, Followed], browser: Browser) -> None:
    lines = ["| Client | Comes back | Cuts | Lost | Twice | 204 |", "| --- " * 6 + "|"]
    for name in CLIENTS:
        found, truth = matrix[name], matrix["truth"].lines
        lost, twice = len(set(truth) - set(found.lines)), len(found.lines) - len(set(found.lines))
        who = "by itself" if name in BY_ITSELF else "by a loop around it"
        lines.append(
            f"| {name} {release(name, browser)} | {who} | {found.cuts} | {lost} | {twice} | "
            f"{'ends it' if not found.rest else 'no end'} |"
        )
    now = "\n".join(lines) + "\n"
    if os.environ.get("RECORD") == "1":
        TABLE.write_text(now)
    assert _shape(TABLE.read_text()) == _shape(now)


def _shape(text: str) -> str:
    """The table without numbers that differ from run to run."""
    return re.sub(r"\d+(\.\d+)*", "N", text)
