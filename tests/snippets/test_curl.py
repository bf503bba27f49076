"""The shell snippets that only a shell needs."""

import subprocess
from collections.abc import Callable

import pytest

from tests.stack import Stack

from .conftest import SNIPPETS

Run = Callable[..., str]
STEPS = 20  # many of them still to come when the worker is killed at the third


@pytest.fixture
def run(stack: Stack, environment: dict[str, str]) -> Run:
    """Run a script as it stands; return what it printed."""

    def script(path: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(SNIPPETS / path), *arguments],
            env=environment | {"DEMO_URL": stack.url, "DEMO_DATA": str(stack.data)},
            capture_output=True,
            text=True,
            timeout=150,
            check=True,
        )
        return done.stdout.strip()

    return script


@pytest.mark.claim("snippets.curl")
def test_what_is_submitted_is_followed_to_its_end_or_from_any_event(run: Run, stack: Stack) -> None:
    quick = '{"kind": "rehearsal", "input": {"steps": 3, "step_seconds": 0.1}}'
    monitor = run("curl/submit.sh", quick)
    history = run("curl/follow.sh", monitor).splitlines()
    assert [line.split(",")[0] for line in history] == [
        f'{{"seq":{number}' for number in range(1, len(history) + 1)
    ]
    assert stack.client.get(monitor).json()["status"] == "succeeded"
    assert run("curl/follow.sh", monitor, "3").splitlines() == history[3:]


@pytest.mark.claim("core.worker-lost")
def test_a_killed_worker_costs_seconds_and_no_committed_step(run: Run, stack: Stack) -> None:
    task = stack.submit(steps=STEPS, step_seconds=0.3)
    stack.until(task, "running", step=3)
    run("tour/kill-worker.sh")
    ended = stack.ended(task)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    steps = [e["data"]["step"] for e in stack.events(task) if "step" in e["data"]]
    assert steps == list(range(1, STEPS + 1))
