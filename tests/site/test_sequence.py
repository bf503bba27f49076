"""The guide's sequence diagrams are drawn from exchanges that happen here, against the live stack.

`RECORD=1` writes `snippets/transcripts/sequence-*.json` anew; without it a test fails when methods,
paths, statuses, names of headers and members, or the entries of the log are others than recorded.
"""

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from site_src._tools import sequence
from tests.record import circumstances
from tests.stack import ROOT, Stack

SENT = ("Idempotency-Key", "Prefer", "Last-Event-ID", "If-None-Match")
GOT = (
    "Operation-Location",
    "Location",
    "Retry-After",
    "ETag",
    "Idempotent-Replayed",
    "Idempotency-Key-Expires",
    "Preference-Applied",
)
TOLD = ("application/problem+json", "text/event-stream")
Steps = list[dict[str, Any]]


class Scene:
    """A client of the live stack whose exchanges are written down."""

    def __init__(self, stack: Stack) -> None:
        self.steps: Steps = []
        self._stack = stack

    def ask(
        self, method: str, url: str, body: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """One exchange; header names with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = self._stack.client.build_request(method, url, json=body, headers=sent)
        self._asked(asked, body)
        return self._answered(self._stack.client.send(asked))

    def follow(self, url: str, last: int | None = None, until: int | None = None) -> int:
        """A stream to its end, or cut by the client; returns the last number."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self._asked(httpx.Request("GET", self._stack.url + path(url), headers=headers))
        seen = last or 0
        with connect_sse(self._stack.client, "GET", url, headers=headers) as source:
            self._answered(source.response)
            for frame in source.iter_sse() if source.response.status_code == 200 else ():
                self._add("frame", id=frame.id, event=frame.event)
                seen = int(frame.id)
                if seen == until:
                    self._add("cut", words="the connection is cut")
                    break
        return seen

    def log(self, *tasks: str) -> None:
        """What stands in the tasks' logs."""
        for id in tasks:
            for entry in self._stack.events({"id": id}):
                self.steps.append({"sort": "event", "at": entry["at"], "task": id, "entry": entry})

    def until(self, task: dict[str, Any], *statuses: str, step: int = 0) -> None:
        """Wait without a word of it in the story."""
        self._stack.until(task, *statuses, step=step)

    def leave(self, task: dict[str, Any]) -> None:
        """End what the story leaves running."""
        self._stack.client.post(task["links"]["cancel"])

    def poll(self, url: str, *statuses: str) -> httpx.Response:
        """Ask at the pace that the API asks for, until it says one of `statuses`."""
        while (answer := self.ask("GET", url)).json()["status"] not in statuses:
            self._stack.until({"id": url.rsplit("/", 1)[1]}, *statuses)
        return answer

    def _asked(self, asked: httpx.Request, body: dict[str, Any] | None = None) -> None:
        told = {"kind": body["kind"], **body["input"]} if body and "kind" in body else body
        names = {name: asked.headers[name] for name in SENT if name in asked.headers}
        self._add(
            "request", method=asked.method, path=path(str(asked.url)), headers=names, body=told
        )

    def _answered(self, answer: httpx.Response) -> httpx.Response:
        names = {name: answer.headers[name] for name in GOT if name in answer.headers}
        sort = answer.headers.get("content-type", "").split(";")[0]
        names |= {"Content-Type": sort} if sort in TOLD else {}
        data = {} if sort == "text/event-stream" or not answer.read() else answer.json()
        self._add(
            "answer",
            status=answer.status_code,
            reason=answer.reason_phrase,
            headers=names,
            body=told(data),
            members=sorted(data),
        )
        return answer

    def _add(self, sort: str, **step: Any) -> None:
        self.steps.append({"sort": sort, "at": datetime.now(UTC).isoformat(), **step})


def path(url: str) -> str:
    return httpx.URL(url).raw_path.decode()


def told(data: dict[str, Any]) -> dict[str, Any]:
    """What a diagram shows of a body: the status of a monitor, the slug of a problem."""
    if "links" in data:
        error = {"error.code": data["error"]["code"]} if data["error"] else {}
        return {"status": data["status"], **error}
    if "type" in data:
        return {"type": f"…#{data['type'].rpartition('#')[2]}"}
    return data


def submit_poll_result(scene: Scene) -> None:
    body = {"kind": "rehearsal", "input": {"steps": 2, "step_seconds": 1}}
    made = scene.ask("POST", "/tasks", body, Idempotency_Key='"report-7"')
    monitor, result = made.headers["Operation-Location"], made.headers["Location"]
    scene.ask("GET", result)
    ended = scene.poll(monitor, "succeeded")
    scene.ask("GET", monitor, If_None_Match=ended.headers["ETag"])
    scene.ask("GET", result)
    scene.log(made.json()["id"])


def submit_follow_end(scene: Scene) -> None:
    body = {"kind": "rehearsal", "input": {"steps": 3, "step_seconds": 0.3}}
    made = scene.ask("POST", "/tasks", body).json()
    seen = scene.follow(made["links"]["stream"], until=3)
    seen = scene.follow(made["links"]["stream"], last=seen)
    scene.follow(made["links"]["stream"], last=seen)
    scene.log(made["id"])


def idempotent_replay(scene: Scene) -> None:
    key = '"report-8"'
    body = {"kind": "rehearsal", "input": {"steps": 2, "step_seconds": 1.5}}
    made = scene.ask("POST", "/tasks", body, Idempotency_Key=key).json()
    again = scene.ask("POST", "/tasks", body, Idempotency_Key=key).json()
    assert again["id"] == made["id"]
    other = {"kind": "rehearsal", "input": {"steps": 7, "step_seconds": 1.5}}
    scene.ask("POST", "/tasks", other, Idempotency_Key=key)
    scene.poll(made["links"]["self"], "succeeded")
    scene.ask("POST", "/tasks", body, Idempotency_Key=key)
    scene.log(made["id"])


def cancel_running(scene: Scene) -> None:
    body = {"kind": "rehearsal", "input": {"steps": 100, "step_seconds": 0.3}}
    made = scene.ask("POST", "/tasks", body).json()
    scene.until(made, "running", step=1)
    scene.ask("POST", made["links"]["cancel"])
    scene.until(made, "canceled")
    scene.ask("GET", made["links"]["self"])
    scene.ask("GET", made["links"]["result"])
    scene.ask("POST", made["links"]["cancel"])
    scene.log(made["id"])


def fail_and_retry(scene: Scene) -> None:
    body = {"kind": "rehearsal", "input": {"steps": 2, "step_seconds": 0, "fail_at": 2}}
    made = scene.ask("POST", "/tasks", body).json()
    scene.until(made, "failed")
    scene.ask("GET", made["links"]["self"])
    scene.ask("GET", made["links"]["result"])
    again = scene.ask("POST", made["links"]["retry"], {"input": {"steps": 2, "step_seconds": 0}})
    scene.until(again.json(), "succeeded")
    scene.ask("GET", again.json()["links"]["self"])
    scene.log(made["id"], again.json()["id"])


def prefer_wait(scene: Scene) -> None:
    body = {"kind": "rehearsal", "input": {"steps": 1, "step_seconds": 0.1}}
    scene.log(scene.ask("POST", "/tasks", body, Prefer="wait=20").json()["id"])
    long = {"kind": "rehearsal", "input": {"steps": 100, "step_seconds": 0.3}}
    open_ = scene.ask("POST", "/tasks", long, Prefer="respond-async, wait=1").json()
    scene.leave(open_)


SCENES: list[Callable[[Scene], None]] = [
    submit_poll_result,
    submit_follow_end,
    idempotent_replay,
    cancel_running,
    fail_and_retry,
    prefer_wait,
]


def shape(steps: Steps) -> dict[str, list[Any]]:
    """What must not drift; the same several times in a row counts once."""
    names = sequence.named(steps)
    exchanges = [
        said(step, names) for step in steps if step["sort"] in {"request", "answer", "cut"}
    ]
    pairs = [tuple(exchanges[at : at + 2]) for at in range(0, len(exchanges), 2)]
    entries = [
        (names[s["task"]], s["entry"]["type"], s["entry"]["data"].get("status", ""),
         s["entry"]["data"].get("reason", ""))
        for s in steps if s["sort"] == "event"
    ]  # fmt: skip
    frames = [step["event"] for step in steps if step["sort"] == "frame"]
    return {"exchanges": once(pairs), "log": once(entries), "frames": once(frames)}


def said(step: dict[str, Any], names: dict[str, str]) -> str:
    """Names and no values of an exchange."""
    if step["sort"] == "cut":
        return "cut"
    known = re.sub(sequence.ID, lambda id: names[id[0]], step.get("path", ""))
    told = [step.get("method"), known, step.get("status"), *step["headers"]]
    return " ".join(str(word) for word in [*told, *step.get("members", ())] if word)


def once(items: list[Any]) -> list[Any]:
    return [item for item, _ in groupby(items)]


def kept(name: str, steps: Steps) -> Steps:
    """Record a scene when asked to; returns what is recorded."""
    file = ROOT / sequence.path(name)
    if os.environ.get("RECORD") == "1":
        told = {"recorded": circumstances(), "steps": steps}
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return list(sequence.read(ROOT, name)["steps"])


@pytest.mark.claim("contract.drawn")
@pytest.mark.parametrize("play", SCENES, ids=lambda play: play.__name__)
def test_the_api_answers_as_drawn(stack: Stack, play: Callable[[Scene], None]) -> None:
    scene = Scene(stack)
    play(scene)
    recorded = kept(play.__name__.replace("_", "-"), scene.steps)
    assert shape(scene.steps) == shape(recorded)


@pytest.fixture
def recorded() -> Steps:
    return list(sequence.read(ROOT, "submit-poll-result")["steps"])


def lies(steps: Steps) -> Iterator[Steps]:
    """The same story with one thing that did not happen."""
    for change in (
        lambda s: s[1].update(status=200),
        lambda s: s[1]["headers"].pop("Operation-Location"),
        lambda s: s[0].update(method="PUT"),
        lambda s: s[2].update(path="/results/1"),
        lambda s: s[1]["members"].append("percent"),
        lambda s: s[-1]["entry"].update(type="log"),
        lambda s: s.pop(),
    ):
        told = copy.deepcopy(steps)
        change(told)
        yield told


def test_a_recording_that_lies_is_found(recorded: Steps) -> None:
    for told in lies(recorded):
        assert shape(told) != shape(recorded)


def test_every_arrow_is_an_entry_of_the_recording(recorded: Steps) -> None:
    arrows = sequence.diagram({"steps": recorded}).splitlines()
    drawn = [arrow for arrow in arrows if "->>" in arrow or "-)" in arrow or "--x" in arrow]
    assert len(drawn) <= len(recorded)
    assert sum("GET /tasks" in arrow or "POST /tasks" in arrow for arrow in drawn) >= 4
    for step in recorded:
        if step["sort"] == "event":
            assert any(f"event {step['entry']['seq']}: " in arrow for arrow in drawn)


def test_no_word_of_a_recording_becomes_a_sign_of_mermaid() -> None:
    step = {"sort": "cut", "at": "2026-01-01T00:00:00+00:00", "words": "a; C->>A: <b>#1\nend"}
    last = sequence.diagram({"steps": [step]}).splitlines()[-1]
    assert last == "    A--xC: a#59; C-#gt;#gt;A: #lt;b#gt;#35;1<br/>end"
