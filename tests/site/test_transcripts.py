"""What the guide shows of HTTP was recorded from the running API and still happens so."""

import subprocess
from uuid import uuid4

import httpx
import pytest

from tests.stack import ROOT, Stack
from tests.transcripts import FOLDER, exchange, keep, plain


def submit(stack: Stack, **input: object) -> httpx.Response:
    body = {"kind": "rehearsal", "input": input}
    return stack.client.post("/tasks", json=body, headers={"Idempotency-Key": f'"{uuid4()}"'})


def test_submit(stack: Stack) -> None:
    keep("submit.http", exchange(submit(stack, steps=3, step_seconds=0.5)))


def test_poll(stack: Stack) -> None:
    task = submit(stack, steps=100, step_seconds=0.2).json()
    stack.until(task, "running", step=2)
    keep("poll.http", exchange(stack.client.get(task["links"]["self"])))
    stack.client.post(task["links"]["cancel"])


def test_result(stack: Stack) -> None:
    task = submit(stack, steps=3, step_seconds=0).json()
    stack.ended(task)
    keep("result.http", exchange(stack.client.get(task["links"]["result"])))


def test_failure(stack: Stack) -> None:
    task = submit(stack, steps=3, step_seconds=0, fail_at=2).json()
    stack.ended(task)
    keep("failed.http", exchange(stack.client.get(task["links"]["self"])))


def test_cancel(stack: Stack) -> None:
    task = submit(stack, steps=100, step_seconds=0.2).json()
    stack.until(task, "running", step=1)
    keep("cancel.http", exchange(stack.client.post(task["links"]["cancel"])))


def test_problem(stack: Stack) -> None:
    keep("problem.http", exchange(submit(stack, steps=0, stepps=3)))


def test_follow_with_curl(stack: Stack) -> None:
    task = submit(stack, steps=3, step_seconds=0.3, log_lines=1).json()
    command = ["sh", "snippets/curl/follow.sh", task["links"]["self"]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    keep("follow.console", plain(f"$ {' '.join(command)}\n{done.stdout}"), stream=True)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("submit.http", "202 Accepted", "201 Created"),
        ("submit.http", "Operation-Location: ", "Content-Location: "),
        ("submit.http", '"attempt"', '"tries"'),
        ("problem.http", '"detail": ', '"details": '),
        ("follow.console", '"seq":', '"number":'),
    ],
)
def test_drift_is_told(monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    monkeypatch.delenv("RECORD", raising=False)
    now = (FOLDER / name).read_text()
    assert old in now
    with pytest.raises(AssertionError, match=name):
        keep(name, now.replace(old, new), stream=name == "follow.console")
