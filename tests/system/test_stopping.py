"""What SIGTERM does to a worker, and how long it takes: the demo's, and Celery's own ways."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psutil
import pytest

from snippets.experiments import terminated
from tests.figures import keep
from tests.stack import SHORT, Stack, eventually

GRACE = float(SHORT["DEMO_RELEASE_GRACE"])


class Stop:
    """A worker that is told to end, and when what happened."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        worker = psutil.Process(stack.pid("worker"))
        self._asked = time.time()
        worker.terminate()
        worker.wait(120)
        self.took = time.time() - self._asked
        eventually(lambda: self._stack.pid("worker") != worker.pid)

    def after(self, task: dict[str, Any], reason: str) -> float:
        """Seconds from SIGTERM to the task's first such change."""

        def found() -> list[float]:
            told = (e for e in self._stack.events(task) if e["data"].get("reason") == reason)
            at = (datetime.fromisoformat(event["at"]).timestamp() for event in told)
            return [moment - self._asked for moment in at if moment > self._asked]

        return eventually(found, what=f"never {reason}")[0]


@pytest.fixture
def running(stack: Stack) -> Any:
    """A task that runs, for as long as the block lasts."""

    @contextmanager
    def run(step: int = 0, **input: Any) -> Iterator[dict[str, Any]]:
        task = stack.submit(**input)
        stack.until(task, "running", step=step)
        yield task
        stack.client.post(f"/tasks/{task['id']}/cancel")
        assert stack.ended(task)["status"] == "canceled"

    return run


@pytest.mark.claim("stopping.idle")
def test_a_worker_that_runs_nothing_ends_at_once(stack: Stack) -> None:
    stack.ended(stack.submit(steps=1, step_seconds=0))
    stop = Stop(stack)
    assert stop.took < GRACE
    keep("stopping", idle_exit=(stop.took, "s"))


@pytest.mark.claim("core.release")
def test_works_that_yield_or_wait_are_handed_back_at_once(stack: Stack, running: Any) -> None:
    with running(steps=3000, step_seconds=0.2) as steps, running(step_seconds=600) as sleep:
        stop = Stop(stack)
        for name, task in {"steps": steps, "sleep": sleep}.items():
            released, again = stop.after(task, "released"), stop.after(task, "claimed")
            assert stack.until(task, "running")["attempt"] == 2
            assert released < stop.took < GRACE, "before the worker ended, and not by force"
            keep("stopping", **{f"{name}_released": (released, "s")})
            keep("stopping", **{f"{name}_again": (again, "s")})
    keep("stopping", busy_exit=(stop.took, "s"))


@pytest.mark.claim("stopping.blocked-step")
def test_a_step_that_heeds_nothing_is_cut_at_the_end_of_the_grace(
    stack: Stack, running: Any
) -> None:
    with running(step=1, steps=3, step_seconds=0, fail_at=2, failure="hang") as task:
        stop = Stop(stack)
        again = stop.after(task, "claimed")
        reasons = [event["data"].get("reason") for event in stack.events(task)]
        assert stack.until(task, "running")["progress"]["step"] == 1, "the step is repeated"
    assert stop.took >= GRACE
    assert "released" not in reasons
    keep("stopping", blocked_exit=(stop.took, "s"), blocked_again=(again, "s"))
    keep("stopping", blocked_grace=(GRACE, "s"))


@pytest.mark.claim("stopping.warm-waits")
def test_celerys_warm_shutdown_waits_for_what_runs() -> None:
    idle, busy = terminated.idle(), terminated.waits()
    assert (busy["ended"], busy["finishes"]) == ("waits", 0)
    keep(
        "stopping", warm_idle=(float(idle["ended_after"]), "s"), warm_waited=(terminated.GRACE, "s")
    )


@pytest.mark.claim("stopping.soft-early-loses")
def test_celerys_soft_shutdown_loses_a_task_that_was_acknowledged_early() -> None:
    seen = terminated.loses()
    assert (seen["starts"], seen["finishes"], seen["held"]) == (1, 0, 0)
    keep("stopping", soft_exit=(float(seen["ended_after"]), "s"))
    keep("stopping", soft_limit=(terminated.SOFT, "s"))
