"""The Python snippets: azure-core's pollers, unmodified, and following as a library."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stack import Stack, eventually

from .conftest import SNIPPETS, loaded
from .cutting import CuttingProxy

QUICK = {"kind": "rehearsal", "input": {"steps": 5, "step_seconds": 0.1}}
FAILS = {"kind": "rehearsal", "input": {"steps": 3, "step_seconds": 0.1, "fail_at": 2}}
ENDLESS = {"kind": "rehearsal", "input": {"steps": 1000, "step_seconds": 0.1}}
Started = subprocess.Popen[str]
Azure = Callable[..., Started]
each_poller = pytest.mark.parametrize("way", ["poll", "async"])


@pytest.fixture
def azure(stack: Stack, environment: dict[str, str]) -> Azure:
    """Start the program with azure-core's pollers."""

    def start(way: str, argument: str | dict[str, Any], url: str = stack.url) -> Started:
        given = argument if isinstance(argument, str) else json.dumps(argument)
        return subprocess.Popen(
            [sys.executable, SNIPPETS / "python" / "azure_poller.py", way, given],
            env=environment | {"DEMO_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(program: Started) -> tuple[int, str, str]:
    """How it ended, and what it said."""
    out, err = program.communicate(timeout=150)
    return program.returncode, out.strip(), err.strip()


def cancel_newest(stack: Stack, known: str) -> None:
    """Cancel the task that a program has just submitted, as soon as it runs."""

    def newest() -> dict[str, Any] | None:
        task = stack.client.get("/tasks", params={"limit": 1}).json()["items"][0]
        return dict(task) if task["id"] != known and task["status"] == "running" else None

    task = eventually(newest)
    assert stack.client.post(task["links"]["cancel"]).is_success


@pytest.mark.claim("api.azure-poller")
@pytest.mark.claim("clients.azure")
@each_poller
def test_azure_core_polls_to_the_result(azure: Azure, way: str) -> None:
    code, out, err = ended(azure(way, QUICK))
    assert (code, err) == (0, "")
    assert json.loads(out)["steps"] == 5


@pytest.mark.claim("clients.azure")
@each_poller
def test_azure_core_tells_a_failure_with_its_code(azure: Azure, way: str) -> None:
    code, out, err = ended(azure(way, FAILS))
    assert (code, out) == (1, "")
    assert err == "failed, rehearsed: Step 2 failed, as it was asked to."


@pytest.mark.claim("clients.azure")
@each_poller
def test_azure_core_tells_that_a_task_was_canceled(stack: Stack, azure: Azure, way: str) -> None:
    known = stack.submit(steps=1, step_seconds=0)["id"]
    program = azure(way, ENDLESS)
    cancel_newest(stack, known)
    code, out, err = ended(program)
    assert (code, out) == (1, "")
    assert err.split(",")[0] == "canceled"


@pytest.mark.claim("clients.azure-resume")
def test_azure_core_goes_on_in_another_process_by_operation_location(azure: Azure) -> None:
    code, token, _ = ended(azure("start", QUICK))
    assert code == 0
    known = base64.b64decode(json.loads(token)).decode()
    assert "operation-location" in known.lower()
    code, out, err = ended(azure("resume", json.loads(token)))
    assert (code, err) == (0, "")
    assert json.loads(out)["steps"] == 5


@pytest.mark.claim("clients.azure-resume")
def test_azure_core_repeats_a_look_that_was_cut_off(stack: Stack, azure: Azure) -> None:
    for way in ("poll", "async"):
        with CuttingProxy(stack.url, limit=1, asks=b"GET /tasks", most=2) as proxy:
            code, out, err = ended(azure(way, QUICK, proxy.url))
        assert (proxy.cuts, code, err) == (2, 0, "")
        assert json.loads(out)["steps"] == 5


@pytest.mark.claim("clients.azure-location")
def test_azure_core_polls_by_location_alone(azure: Azure) -> None:
    code, out, err = ended(azure("location", QUICK))
    assert (code, err) == (0, "")
    assert json.loads(out)["steps"] == 5
    code, out, err = ended(azure("location", FAILS))
    assert (code, out, err) == (1, "", "Failed")


@pytest.mark.claim("snippets.follow")
@pytest.mark.claim("stream.resume")
def test_follow_sees_each_event_once_over_cut_connections(stack: Stack) -> None:
    follow = loaded("python/follow.py").follow
    task = stack.submit(steps=8, step_seconds=0.1)
    with CuttingProxy(stack.url, limit=1500) as proxy, httpx.Client(trust_env=False) as client:
        seen = list(follow(client, proxy.through(task["links"]["self"])))
    assert [json.loads(event.data) for event in seen] == stack.events(task)
    assert proxy.cuts >= 2


def test_following_an_ended_task_from_its_end_is_over_at_once(stack: Stack) -> None:
    follow: Any = loaded("python/follow.py").follow
    task = stack.submit(steps=1, step_seconds=0)
    stack.ended(task)
    last = stack.events(task)[-1]["seq"]
    with httpx.Client(trust_env=False) as client:
        assert list(follow(client, task["links"]["self"], str(last))) == []
