"""The clients in all languages: one outcome, also when the connection is cut in the middle."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from uuid import uuid4

import psutil
import pytest

from tests.stack import Stack

from .conftest import SNIPPETS
from .cutting import CuttingProxy
from .programs import LANGUAGES, NAMES, printed, run

QUICK = json.dumps({"kind": "rehearsal", "input": {"steps": 3, "step_seconds": 0.1}})
each_language = pytest.mark.parametrize("language", LANGUAGES)


def lines(stack: Stack, task: dict[str, Any]) -> list[str]:
    """The history as programs print it."""
    return [json.dumps(event, separators=(",", ":")) for event in stack.events(task)]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of a test's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.claim("clients.same-names")
@each_language
def test_each_language_has_the_same_five_programs(language: str) -> None:
    ending = LANGUAGES[language][1]
    found = {path.stem for path in (SNIPPETS / language).glob(f"*{ending}")}
    assert found >= set(NAMES)


@pytest.mark.claim("clients.same-outcome")
def test_all_languages_print_the_same(stack: Stack) -> None:
    key = f"one-{uuid4()}"
    first = printed("curl", "idempotent", key, QUICK, DEMO_URL=stack.url)
    assert first.startswith(f"submitted {stack.url}/tasks/")
    monitor = first.split()[1]
    again = [printed(one, "idempotent", key, QUICK, DEMO_URL=stack.url) for one in LANGUAGES]
    assert set(again) == {f"replayed {monitor}\n"}

    final = stack.ended({"id": monitor.rpartition("/")[2]})
    served = stack.client.get(monitor).text + "\n"
    for name in ("poll", "cancel"):
        assert {printed(one, name, monitor) for one in LANGUAGES} == {served}, name
    history = "\n".join(lines(stack, final)) + "\n"
    assert {printed(one, "follow", monitor) for one in LANGUAGES} == {history}
    rest = "\n".join(lines(stack, final)[2:]) + "\n"
    assert {printed(one, "follow", monitor, "2") for one in LANGUAGES} == {rest}
    last = str(len(lines(stack, final)))
    assert {printed(one, "follow", monitor, last) for one in LANGUAGES} == {""}


@pytest.mark.claim("clients.refused")
@each_language
def test_a_refusal_is_told_at_once_and_is_no_success(stack: Stack, language: str) -> None:
    nobody = f"{stack.url}/tasks/{uuid4()}"
    asked = {"submit": "{}", "poll": nobody, "follow": nobody, "cancel": nobody}
    for name, argument in asked.items():
        done = run(language, name, argument, DEMO_URL=stack.url)
        assert (done.returncode, done.stdout) == (1, ""), (name, done.stderr)
        assert "refused: 4" in done.stderr or '"title"' in done.stderr, name
    key = str(uuid4())
    printed(language, "idempotent", key, QUICK, DEMO_URL=stack.url)
    other = QUICK.replace("3", "4")
    done = run(language, "idempotent", key, other, DEMO_URL=stack.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "key-reused" in done.stderr


@pytest.mark.claim("clients.resume")
@each_language
def test_following_over_cuts_loses_nothing_and_repeats_nothing(stack: Stack, language: str) -> None:
    task = stack.submit(steps=8, step_seconds=0.1)
    with CuttingProxy(stack.url, limit=1500) as proxy:
        seen = printed(language, "follow", proxy.through(task["links"]["self"]))
    assert seen.splitlines() == lines(stack, task)
    assert proxy.cuts >= 2


@pytest.mark.claim("clients.resume")
@each_language
@pytest.mark.parametrize("limit", [1, 700])
def test_polling_and_canceling_go_on_after_cuts(stack: Stack, language: str, limit: int) -> None:
    task = stack.submit(steps=1000, step_seconds=0.1)
    stack.until(task, "running", step=1)  # the monitor of one that never ran is too short to cut
    with CuttingProxy(stack.url, limit, b"/cancel", most=1) as proxy:
        seen = json.loads(printed(language, "cancel", proxy.through(task["links"]["self"])))
    assert (proxy.cuts, seen["id"]) == (1, task["id"])
    assert seen["status"] in {"canceling", "canceled"}
    with CuttingProxy(stack.url, limit, b"GET /tasks", most=2) as proxy:
        seen = json.loads(printed(language, "poll", proxy.through(task["links"]["self"])))
    assert (proxy.cuts, seen["id"], seen["status"]) == (2, task["id"], "canceled")


@pytest.mark.claim("clients.once")
@each_language
@pytest.mark.parametrize("name", ["submit", "idempotent"])
def test_a_lost_answer_makes_no_second_task(stack: Stack, language: str, name: str) -> None:
    mark = {"kind": "rehearsal", "input": {"steps": 1, "step_seconds": 0, "payload_bytes": 7}}
    known = {task["id"] for task in stack.client.get("/tasks").json()["items"]}
    key = [str(uuid4())] if name == "idempotent" else []
    with CuttingProxy(stack.url, limit=1, asks=b"POST /tasks", most=2) as proxy:
        told = printed(language, name, *key, json.dumps(mark), DEMO_URL=proxy.url)
    assert proxy.cuts == 2
    made = [task for task in stack.client.get("/tasks").json()["items"] if task["id"] not in known]
    assert [task["id"] for task in made] == [told.strip().rpartition("/")[2]]
    if name == "idempotent":
        assert told.startswith("replayed ")


@pytest.fixture
def crowded() -> Iterator[tuple[str, dict[str, list[float]]]]:
    """A server that holds all the streams it can, twice, and notes when it was asked."""
    asked: dict[str, list[float]] = defaultdict(list)

    class Crowded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[self.path].append(time.monotonic())
            status = [429, 503, 200][min(len(asked[self.path]), 3) - 1]
            body = b'id: 1\nevent: end\ndata: {"seq":1}\n\n' if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
            if not body:
                self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Crowded) as url:
        yield url, asked


@pytest.mark.claim("clients.later")
def test_who_is_refused_for_now_comes_back_when_it_was_told(
    crowded: tuple[str, dict[str, list[float]]],
) -> None:
    url, asked = crowded
    with ThreadPoolExecutor() as pool:
        told = pool.map(lambda one: printed(one, "follow", f"{url}/{one}"), LANGUAGES)
    assert set(told) == {'{"seq":1}\n'}
    assert set(asked) == {f"/{one}/stream" for one in LANGUAGES}
    for times in asked.values():
        assert len(times) == 3
        assert all(b - a >= 2.9 for a, b in pairwise(times))


@pytest.fixture
def watcher() -> Iterator[tuple[str, list[tuple[str, str | None, bool]]]]:
    """A server that notes each request's address and token, and who else can read the token."""
    seen: list[tuple[str, str | None, bool]] = []

    class Watcher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arguments = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
            shown = any("s3cret" in part for line in arguments for part in line or ())
            seen.append((self.path, self.headers["Authorization"], shown))
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with serving(Watcher) as url:
        yield url, seen


@pytest.mark.claim("clients.token")
@each_language
def test_the_token_is_in_the_header_and_nowhere_else(
    watcher: tuple[str, list[tuple[str, str | None, bool]]], language: str
) -> None:
    url, seen = watcher
    for name in NAMES:
        argument = {"submit": QUICK, "idempotent": "a-key"}.get(name, f"{url}/tasks/1")
        assert run(language, name, argument, DEMO_URL=url, TOKEN="s3cret").returncode == 1
    assert len(seen) == len(NAMES)
    assert {token for _, token, _ in seen} == {"Bearer s3cret"}
    assert not [path for path, _, shown in seen if "s3cret" in path or shown]
    assert run(language, "poll", f"{url}/tasks/1").returncode == 1
    assert seen[-1][1] is None
