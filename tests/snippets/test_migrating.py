"""A Celery application moves over step by step; the same drill shows what each step gains."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo.local.servers import Valkey, free_port
from snippets.experiments.bench import hang_up
from tests.figures import keep

from .conftest import SNIPPETS, Wait, Workers, loaded, lose

PAGES = 6
FOLDER = SNIPPETS / "migrating"


class Drill:
    """An application at one step: its worker, its dispatcher if it has one, its pages."""

    def __init__(self, step: str, variables: dict[str, str], start: Workers) -> None:
        self._step, self._variables, self._start = step, variables, start
        self.app = loaded(f"migrating/{step}.py")
        self._pages = Path(variables["PAGES"])

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start(self._step, "--pool", "solo", folder="migrating", **self._variables)

    def dispatcher(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, f"{self._step}.py"],
            cwd=FOLDER,
            env=environment | self._variables,
            stderr=subprocess.DEVNULL,
        )

    def pages(self, id: str) -> Counter[int]:
        """How often each page of a report was written."""
        lines = self._pages.read_text().splitlines() if self._pages.exists() else []
        return Counter(int(page) for name, page in map(str.split, lines) if name == id)


@pytest.fixture
def drill(
    monkeypatch: pytest.MonkeyPatch, database: Any, broker: Valkey, tmp_path: Path,
    celery_worker: Workers, environment: dict[str, str],
) -> Iterator[Any]:  # fmt: skip
    variables = {"BROKER": broker.url, "DATABASE_URL": database.owner, "LEASE": "3"}
    variables |= {"PAGES": str(tmp_path / "pages")}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(FOLDER))
    beside: list[subprocess.Popen[bytes]] = []
    drills: list[Drill] = []

    def make(step: str) -> Drill:
        made = Drill(step, variables, celery_worker)
        drills.append(made)
        if hasattr(made.app, "dispatch"):
            beside.append(made.dispatcher(environment))
        return made

    yield make
    for one in beside:
        one.kill()
        one.wait()
    for made in drills:
        hang_up(made.app.app)
    for name in ("core", "work"):  # each test imports them with its own database
        sys.modules.pop(name, None)


def lose_both(worker: subprocess.Popen[bytes], broker: Valkey) -> None:
    """The worker's node and the broker's memory, at once."""
    lose(worker)
    broker.kill()
    broker.start(forget=True)


def played(drill: Drill, broker: Valkey, eventually: Wait, *, ends: int) -> tuple[str, str]:
    """One report runs, one waits; worker and broker are lost, a new worker comes."""
    worker = drill.worker()
    first = drill.app.submit(PAGES)
    eventually(lambda: drill.pages(first)[2])
    second = drill.app.submit(1)
    lose_both(worker, broker)
    drill.worker()
    later = drill.app.submit(1)  # it runs, so what could run has had its turn
    done = [later, second, first][: 1 + ends]
    eventually(lambda: all(drill.app.status(id).lower() in DONE for id in done))
    return first, second


DONE = {"success", "succeeded"}
STEPS = (
    ("step0_celery", 0, ("PENDING", "PENDING")),
    ("step1_row", 0, ("running", "queued")),
    ("step2_claim", 1, ("running", "succeeded")),
    ("step3_lease", 2, ("succeeded", "succeeded")),
    ("step4_core", 2, ("succeeded", "succeeded")),
)


@pytest.mark.claim("migrating.each-step-gains")
@pytest.mark.parametrize(("step", "ends", "told"), STEPS, ids=[step for step, _, _ in STEPS])
def test_what_is_left_of_two_reports_when_worker_and_broker_are_lost(
    drill: Any, broker: Valkey, eventually: Wait, step: str, ends: int, told: tuple[str, str]
) -> None:
    at = drill(step)
    first, second = played(at, broker, eventually, ends=ends)
    assert (at.app.status(first), at.app.status(second)) == told
    pages = at.pages(first)
    twice = sum(count - 1 for count in pages.values())
    number = step[: len("step0")]
    keep("migrating", **{f"{number}_ended": (ends, "of 2 reports")})
    keep("migrating", **{f"{number}_pages": (len(pages), f"of {PAGES} pages")})
    keep("migrating", **{f"{number}_twice": (twice, "pages twice")})
    if step == "step3_lease":
        assert twice >= 2, "from the beginning"
    if step == "step4_core":
        assert (len(pages), pages[1]) == (PAGES, 1)
        assert twice <= 1, "at most the page that was being written"


@pytest.mark.claim("migrating.broker-away")
def test_a_loop_that_finds_the_broker_away_goes_on_when_it_is_back(
    drill: Any, broker: Valkey, eventually: Wait
) -> None:
    at = drill("step4_core")
    broker.kill()
    id = at.app.submit(1)
    hints = "SELECT hints FROM core_tasks WHERE id = %s"
    eventually(lambda: at.app.core.sql(hints, id)[0][0] > 1)  # it has outlived a refusal
    broker.start(forget=True)
    at.worker()
    eventually(lambda: at.app.status(id) == "succeeded")


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, database: Any) -> Any:
    """The core alone, with a lease of a second."""
    monkeypatch.setenv("DATABASE_URL", database.owner)
    monkeypatch.setenv("LEASE", "1")
    made = loaded("migrating/core.py")
    made.sql(made.TABLE)
    return made


def row(core: Any, id: str) -> tuple[Any, ...]:
    return tuple(
        core.sql("SELECT status, attempt, step, error FROM core_tasks WHERE id = %s", id)[0]
    )


@pytest.mark.claim("migrating.core-fences")
def test_an_attempt_that_was_presumed_dead_writes_nothing_more(core: Any, eventually: Wait) -> None:
    id = core.submit("report", {})
    frozen = core.claim(id, 0)
    core.checkpoint(frozen, 1, "one")
    eventually(lambda: core.reap() or row(core, id)[0] == "queued")
    assert core.claim(id, 0) is None, "the first hint, come back late"
    heir = core.claim(id, 1)
    assert (heir.step, heir.state) == (1, "one")
    with pytest.raises(core.LetGo):
        core.checkpoint(frozen, 2, "forged")
    core.finish(frozen, "failed")
    core.finish(heir, "succeeded")
    assert row(core, id) == ("succeeded", 2, 1, None)


@pytest.mark.claim("migrating.core-cancels")
def test_a_canceled_task_does_not_succeed(core: Any) -> None:
    waiting, going = core.submit("report", {}), core.submit("report", {})

    def report(task: Any) -> Any:
        assert core.cancel(going)
        yield 1, None
        raise AssertionError("it was told to let go")

    assert core.cancel(waiting)
    core.run(core.claim(going, 0), report)
    assert (row(core, waiting)[:3], row(core, going)[:3]) == (
        ("canceled", 0, 0),
        ("canceled", 1, 0),
    )
    assert not core.cancel(going)


def test_a_heartbeat_keeps_a_long_step_alive(core: Any) -> None:
    core.LEASE = 2
    id, longer = core.submit("report", {}), 1.5 * core.LEASE

    def report(_: Any) -> Any:
        threading.Event().wait(longer)
        core.reap()
        yield 1, None
        return "done"

    core.run(core.claim(id, 0), report)
    assert row(core, id)[:3] == ("succeeded", 1, 1)


def test_a_task_that_kills_its_workers_is_given_up(core: Any, eventually: Wait) -> None:
    id = core.submit("report", {})
    for attempt in range(core.CRASHES + 1):
        assert core.claim(id, attempt)
        core.sql("UPDATE core_tasks SET lease = now() - interval '1 s'")
        core.reap()
    assert row(core, id) == ("failed", core.CRASHES + 1, 0, "worker_lost")


def test_a_bug_in_the_work_is_a_failure_in_words(core: Any) -> None:
    id = core.submit("report", {})

    def report(_: Any) -> Any:
        yield 1, None
        raise ValueError("no such page")

    core.run(core.claim(id, 0), report)
    assert row(core, id) == ("failed", 1, 1, "no such page")


@pytest.mark.claim("migrating.core-database-away")
def test_a_database_that_is_away_fails_no_task(
    core: Any, monkeypatch: pytest.MonkeyPatch, eventually: Wait
) -> None:
    id, there = core.submit("report", {}), os.environ["DATABASE_URL"]

    def report(_: Any) -> Any:
        yield 1, None
        monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{free_port()}/away")
        yield 2, None

    with pytest.raises(psycopg2.OperationalError):
        core.run(core.claim(id, 0), report)
    monkeypatch.setenv("DATABASE_URL", there)
    eventually(lambda: core.reap() or row(core, id)[0] == "queued")
    assert core.claim(id, 1).step == 1


def test_a_hint_is_sent_once_while_it_is_fresh(core: Any) -> None:
    id = core.submit("report", {})
    sent: list[tuple[str, int]] = []
    for _ in range(2):
        core.dispatch(lambda id, attempt: sent.append((id, attempt)))
    assert sent == [(id, 0)]


def test_the_core_fits_a_reader() -> None:
    assert len((FOLDER / "core.py").read_text().splitlines()) <= 170
