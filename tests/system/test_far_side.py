"""A dead far side: one breaker for all worker processes, and the story in the task's history."""

import threading
import time
from itertools import pairwise

import pytest
from sqlalchemy import text

from demo.contract import Status
from demo.store.engines import begin
from tests.integration.outbound.world import Server, http
from tests.stack import eventually
from tests.system.fleet import Fleet, fleet  # noqa: F401

DUE = text("UPDATE tasks SET dispatch_after = clock_timestamp() WHERE status = 'queued'")
# seconds: a request that is under way when the breaker opens is long over before the first probe
FAILURES, SECONDS, TASKS = 3, 2.0, 20


class FarSide:
    """Answers nothing while it is dead, and counts who asks."""

    def __init__(self) -> None:
        self.alive = threading.Event()
        self.dead_calls: list[float] = []
        self.server = Server(self._answer)
        self.url = f"http://127.0.0.1:{self.server.port}/"

    def _answer(self, connected, path: str) -> None:
        if self.alive.is_set():
            connected.sendall(http(b"<title>Hello</title>"))
        else:
            self.dead_calls.append(time.monotonic())


@pytest.fixture
def far_side():
    made = FarSide()
    yield made
    made.server.close()


def told(fleet: Fleet, task) -> list[str]:  # noqa: F811
    return [event["data"].get("message", "") for event in fleet.events(task)]


def ended_early(fleet: Fleet, tasks) -> bool:  # noqa: F811
    """Whether all have ended, without the pauses that have become a minute long by now."""
    with begin(fleet.owner) as connection:
        connection.execute(DUE)
    return all(fleet.get(task).status.final for task in tasks)


def refused(fleet: Fleet, tasks) -> set[str]:  # noqa: F811
    """The workers that a breaker kept from asking."""
    kept, worker = set(), None
    for task in tasks:
        for event in fleet.events(task):
            worker = event["data"].get("worker", worker)
            if event["data"].get("error", {}).get("code") == "breaker_open":
                kept.add(worker)
    return kept


@pytest.mark.claim("failures.breaker-shared")
def test_a_dead_far_side_is_asked_by_probes_only_until_it_answers(fleet: Fleet, far_side: FarSide):  # noqa: F811
    fleet.environment |= {
        "DEMO_GUIDE_URL": far_side.url,
        "DEMO_GUIDE_INTERVAL": "0.01",
        "DEMO_FETCH_TIMEOUT": "60",
        "DEMO_BREAKER_FAILURES": str(FAILURES),
        "DEMO_BREAKER_SECONDS": str(SECONDS),
    }
    fleet.dispatcher()
    for name in ("one", "two"):
        fleet.worker(name, 1)
    tasks = [fleet.submit("web_scrape", url=far_side.url, max_pages=1) for _ in range(TASKS)]
    most = FAILURES + 1  # the last of them opens it while the other worker may be asking
    both = {"one@fleet", "two@fleet"}
    eventually(
        lambda: len(far_side.dead_calls) >= most + 3 and refused(fleet, tasks) == both, within=150
    )
    far_side.alive.set()
    eventually(lambda: any(fleet.get(task).status.final for task in tasks), what="no probe")
    eventually(lambda: ended_early(fleet, tasks), what="not all of them ended")
    assert {fleet.get(task).status for task in tasks} == {Status.SUCCEEDED}

    probes = far_side.dead_calls[most:]
    assert all(later - earlier > 0.9 * SECONDS for earlier, later in pairwise(probes))
    story = [line for task in tasks for line in told(fleet, task)]
    opened = f"Breaker open: 127.0.0.1 failed {FAILURES} times in a row"
    assert any(line.startswith(opened) for line in story)
    assert sum("is the probe for all workers" in line for line in story) >= len(probes)
    assert "Breaker closed: 127.0.0.1 answers again." in story


@pytest.mark.claim("failures.retry-after")
def test_a_far_side_that_names_a_time_is_not_asked_before(fleet: Fleet):  # noqa: F811
    times: list[float] = []

    def answer(connected, path: str) -> None:
        times.append(time.monotonic())
        busy = http(b"", 429, Retry_After=2)
        connected.sendall(busy if len(times) == 1 else http(b"<title>Hello</title>"))

    with Server(answer) as server:
        url = f"http://127.0.0.1:{server.port}/"
        fleet.environment["DEMO_GUIDE_URL"] = url
        fleet.dispatcher()
        fleet.worker("one", 1)
        task = fleet.submit("web_scrape", url=url, max_pages=1)
        ended = fleet.until(task, lambda now: now.status.final)
    assert (ended.status, ended.attempt) == (Status.SUCCEEDED, 2)
    assert times[1] - times[0] >= 1.9
    (retry,) = [e["data"] for e in fleet.events(task) if e["data"].get("reason") == "retry"]
    assert (retry["error"]["code"], retry["failures"], retry["budget"]) == ("far_side_busy", 1, 8)
    assert 2 <= retry["retry_in"] <= 4
