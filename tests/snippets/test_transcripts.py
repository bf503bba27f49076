"""A stream is resumed and ends as the guide prints it, but for ids, times and chance.

`RECORD_TRANSCRIPTS=1` writes the transcripts anew.
"""

import os
import re

import httpx
import pytest

from tests.stack import Stack

from .conftest import SNIPPETS

RECORD = os.environ.get("RECORD_TRANSCRIPTS") == "1"
TASK = {"steps": 2, "step_seconds": 0}
SHOWN = (
    "content-type",
    "cache-control",
    "x-accel-buffering",
    "incremental",
)
CHANCE = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "01990b5c-…-8d21"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "2026-11-24T09:00:00Z"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8001"),
    (r"retry: \d+", "retry: 1870"),
)


def told(request: str, answer: httpx.Response, body: str) -> str:
    """An exchange as text, without what differs from run to run."""
    names = [name for name in SHOWN if name in answer.headers]
    head = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    head += [f"{name.title()}: {answer.headers[name]}" for name in names]
    text = "\n".join([request, "", *head, "", body]).rstrip() + "\n"
    for pattern, stable in CHANCE:
        text = re.sub(pattern, stable, text)
    return text


def followed(stack: Stack) -> str:
    task = stack.submit(**TASK)
    stack.ended(task)
    path = f"/tasks/{task['id']}/stream"
    answer = stack.client.get(path, headers={"Last-Event-ID": "1"})
    return told(f"GET {path} HTTP/1.1\nLast-Event-ID: 1", answer, answer.text)


def over(stack: Stack) -> str:
    task = stack.submit(**TASK)
    stack.ended(task)
    path, last = f"/tasks/{task['id']}/stream", str(stack.events(task)[-1]["seq"])
    answer = stack.client.get(path, headers={"Last-Event-ID": last})
    return told(f"GET {path} HTTP/1.1\nLast-Event-ID: {last}", answer, answer.text)


@pytest.mark.parametrize(("name", "exchange"), [("resume", followed), ("ended", over)])
def test_the_guide_prints_what_the_stack_says(stack: Stack, name: str, exchange: object) -> None:
    recorded = SNIPPETS / "transcripts" / f"{name}.http"
    now = exchange(stack)  # type: ignore[operator]
    if RECORD:
        recorded.write_text(now)
    assert recorded.read_text() == now
