"""Each wrong version does the damage that the guide says it does, beside the right one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Engine, event

from demo.local.servers import Valkey
from demo.store import attempts, submitting
from demo.store.engines import begin, engine
from snippets.experiments.bench import hang_up
from tests.figures import keep
from tests.stack import LEASE, Stack

from .conftest import Serve, Wait, Workers, answers, consumers, loaded

TRIES = 3
GENEROUS = 3  # seconds: many times what a 202 takes, and less than the work


@pytest.mark.claim("home.cut-request")
def test_a_gateway_cuts_the_request_but_not_the_work(
    serve: Serve, gateway: Callable[[str, float], str], eventually: Wait
) -> None:
    app = serve("blocking_request")
    front = gateway(app.url, 0.5)
    with httpx.Client(timeout=10, trust_env=False) as client:
        answers = [client.post(f"{front}/reports?name=q3").status_code for _ in range(TRIES)]

        def started() -> list[str]:
            return list(client.get(f"{app.url}/started").json())

        eventually(lambda: len(started()) >= TRIES)
        assert started() == ["q3"] * TRIES
    assert answers == [504] * TRIES
    keep("antipatterns", request_answers=(0, f"of {TRIES} requests"))
    keep("antipatterns", request_works=(TRIES, "times"))


@pytest.mark.claim("home.cut-request")
def test_a_gateway_does_not_cut_a_task(stack: Stack, gateway: Callable[[str, float], str]) -> None:
    front = gateway(stack.url, GENEROUS)
    body = {"kind": "rehearsal", "input": {"steps": 2, "step_seconds": 0.6 * GENEROUS}}
    key = {"Idempotency-Key": uuid4().hex}
    with httpx.Client(timeout=10, trust_env=False) as client:
        answers = [client.post(f"{front}/tasks", json=body, headers=key) for _ in range(TRIES)]
    assert [answer.status_code for answer in answers] == [202] * TRIES
    (id,) = {answer.json()["id"] for answer in answers}
    ended = stack.ended({"id": id})
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    keep("antipatterns", task_answers=(TRIES, f"of {TRIES} requests"), task_works=(1, "time"))


REPORTS = 5


@pytest.mark.claim("patterns.memory-forgets")
def test_work_in_the_apis_memory_is_forgotten_with_the_process(
    serve: Serve, eventually: Wait
) -> None:
    app = serve("background_task")
    names = [f"q{number}" for number in range(REPORTS)]
    with httpx.Client(timeout=10, trust_env=False) as client:
        accepted = [client.post(f"{app.url}/reports/{name}").status_code for name in names]
        app.kill()
        app.start()
        eventually(app.answers)
        after = [client.get(f"{app.url}/reports/{name}").status_code for name in names]
    assert accepted == [202] * REPORTS
    assert after == [404] * REPORTS
    keep("antipatterns", memory_lost=(after.count(404), f"of {REPORTS} accepted"))


@pytest.mark.claim("core.api-restarted")
def test_accepted_tasks_outlive_the_api(stack: Stack, eventually: Wait) -> None:
    tasks = [stack.submit(steps=2, step_seconds=0.2) for _ in range(REPORTS)]
    stack.kill("api")
    eventually(lambda: answers(f"{stack.url}/livez"))
    ended = [stack.ended(task)["status"] for task in tasks]
    assert ended == ["succeeded"] * REPORTS
    keep("antipatterns", rows_lost=(0, f"of {REPORTS} accepted"))


@pytest.fixture
def source(database: Any) -> Iterator[Engine]:
    """The worker's engine on a fresh database."""
    made = engine(database.owner, pool_size=4)
    yield made
    made.dispose()


@pytest.fixture
def queued(source: Engine) -> UUID:
    """A task that waits for a worker."""
    with begin(source) as connection:
        return submitting.submit(connection, tenant="local", kind="rehearsal", input={}).task.id


@pytest.fixture
def both() -> Callable[[Callable[[], None]], None]:
    """Let two workers handle the same message at the same time."""

    def run(handle: Callable[[], None]) -> None:
        with ThreadPoolExecutor(2) as workers:
            for done in [workers.submit(handle) for _ in range(2)]:
                done.result()

    return run


@pytest.fixture
def check_then_run() -> ModuleType:
    return loaded("antipatterns/check_then_run.py")


class Meeting(threading.Barrier):
    """Lets statements of two workers interleave in the worst order, each time."""

    def after_look(self, connection: Any, clause: Any, *_: Any) -> None:
        if str(clause).startswith("SELECT status"):
            self.wait(timeout=60)


@pytest.mark.claim("patterns.check-races")
def test_two_workers_that_look_before_they_take_both_run(
    check_then_run: ModuleType, source: Engine, queued: UUID, both: Any
) -> None:
    ran: list[str] = []
    event.listen(source, "after_execute", Meeting(2).after_look)
    both(lambda: check_then_run.handle(source, queued, lambda: ran.append("ran")))
    assert ran == ["ran", "ran"]


@pytest.mark.claim("core.one-claim")
def test_two_workers_that_claim_run_once(source: Engine, queued: UUID, both: Any) -> None:
    ran: list[str] = []

    def handle() -> None:
        with begin(source) as connection:
            task = attempts.claim(connection, queued, 0, worker="w", lease=30)
        if task:
            ran.append("ran")

    both(handle)
    assert ran == ["ran"]


@pytest.mark.claim("patterns.late-ack-doubles")
def test_late_ack_runs_a_healthy_task_twice(
    broker: Valkey, celery_worker: Workers, tmp_path: Path, eventually: Wait
) -> None:
    starts = tmp_path / "starts"
    celery = loaded("antipatterns/late_ack.py", BROKER=broker.url).app
    workers = [celery_worker("late_ack", "--pool", "solo", BROKER=broker.url) for _ in range(2)]
    eventually(lambda: consumers(broker) == len(workers))  # one that starts late comes too late
    celery.send_task("report", args=[str(starts)])
    eventually(lambda: starts.exists() and len(starts.read_text().splitlines()) >= 2)
    hang_up(celery)
    assert all(worker.poll() is None for worker in workers), "no worker failed before"
    keep("antipatterns", late_ack_starts=(len(starts.read_text().splitlines()), "starts"))


@pytest.mark.claim("core.lease-renewed")
def test_a_task_that_outlives_its_lease_runs_once(stack: Stack) -> None:
    ended = stack.ended(stack.submit(steps=1, step_seconds=LEASE + 1))
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    keep("antipatterns", lease_starts=(ended["attempt"], "start"))
