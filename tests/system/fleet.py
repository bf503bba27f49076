"""Dispatchers and workers of a test's own choice, as real processes on a database of its own."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from demo.local.children import Child
from demo.store import reads, submitting
from demo.store.engines import begin, engine
from demo.store.records import Record
from demo.wakeups import Publisher
from tests.conftest import Database, Servers
from tests.stack import eventually

KEY = "a key for fleets"
ENDLESS = {"steps": 100_000, "step_seconds": 0.2}
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class Fleet:
    """Submits by the store, as several tenants, and starts what is to run it."""

    environment: dict[str, str]
    owner: Engine
    publisher: Publisher
    data: Path
    exits: ExitStack

    def start(self, name: str, *command: str, **environment: str) -> Child:
        """A process of the demo, ended with the test."""
        run = [sys.executable, "-m", *command]
        child = Child(name, self.data, run, {**self.environment, **environment})
        child.start()
        self.exits.callback(child.kill)
        return child

    def dispatcher(self, **environment: str) -> Child:
        """One of any number of dispatchers."""
        return self.start("dispatcher", "demo", "dispatcher", **environment)

    def worker(
        self, name: str, slots: int, *queues: str, include: str = "", **environment: str
    ) -> Child:
        """A worker for all queues, or for those named; returns when it is ready."""
        options = ("-n", f"{name}@fleet", "-c", str(slots), "-l", "INFO", *QUIET)
        only = ("-Q", ",".join(queues)) if queues else ()
        more = ("-I", include) if include else ()
        command = ("celery", "-A", "demo.broker", "worker", *options, *only, *more)
        log = self.data / "logs" / f"{name}.log"
        before = log.read_text().count(" ready.") if log.exists() else 0
        child = self.start(name, *command, **environment)
        eventually(
            lambda: child.log.read_text().count(" ready.") > before,
            within=120,
            what=f"{name} not ready",
        )
        return child

    def submit(self, kind: str = "rehearsal", tenant: str = "local", **input: Any) -> Record:
        """As the API does: a row, then a wake-up."""
        with begin(self.owner) as connection:
            made = submitting.submit(connection, tenant, kind=kind, input=input).task
        self.publisher.nudge()
        return made

    def get(self, task: Record) -> Record:
        with begin(self.owner) as connection:
            found = reads.get(connection, task.tenant, task.id)
        assert found
        return found

    def events(self, task: Record) -> list[dict[str, Any]]:
        with begin(self.owner) as connection:
            return reads.events_after(connection, task.tenant, task.id, 0)

    def until(self, task: Record, holds: Callable[[Record], Any], within: float = 120) -> Record:
        """Wait for a task; returns it as it is then."""

        def now() -> Record | None:
            found = self.get(task)
            return found if holds(found) else None

        return eventually(now, within=within, what=f"{self.get(task)}")  # type: ignore[return-value]

    def running(self, tenant: str = "local") -> int:
        """How many tasks of a tenant run now."""
        with begin(self.owner) as connection:
            return reads.counts(connection, tenant).get("running", 0)

    def waits(self, ids: list[UUID]) -> list[float]:
        """Seconds from each submit to its first claim, by the database's clock, in order."""
        sql = text("""
            SELECT extract(epoch FROM started - created) FROM tasks
            WHERE id = ANY(:ids) AND started IS NOT NULL ORDER BY 1""")
        with begin(self.owner) as connection:
            return [float(wait) for wait in connection.execute(sql, {"ids": ids}).scalars()]

    def visits(self, times: int, kind: str, tenant: str, **input: Any) -> float:
        """One task after the other; returns the 95th percentile of their waits."""
        ids = []
        for _ in range(times):
            task = self.submit(kind, tenant, **input)
            self.until(task, lambda now: now.status.final)
            ids.append(task.id)
        waits = self.waits(ids)
        assert len(waits) == times
        return waits[math.ceil(0.95 * times) - 1]

    def starts_none(self, seconds: float, kind: str, tenant: str, **input: Any) -> bool:
        """Whether a task still waits after so long."""
        task, until = self.submit(kind, tenant, **input), time.monotonic() + seconds
        while time.monotonic() < until:
            if self.get(task).started:
                return False
            time.sleep(0.05)
        return True


@contextmanager
def running_fleet(
    servers: Servers, database: Database, data: Path, **environment: str
) -> Iterator[Fleet]:
    """A fleet without members yet; in a number of the broker that no other test uses."""
    redis_url = f"{servers.redis_url.rsplit('/', 1)[0]}/7"
    shared = {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "DEMO_DATABASE_URL": database.worker,
        "DEMO_REDIS_URL": redis_url,
        "DEMO_WAKEUP_KEY": KEY,
        **environment,
    }
    publisher, owner = Publisher(redis_url, KEY.encode()), engine(database.owner)
    with ExitStack() as exits:
        exits.callback(owner.dispose)
        exits.callback(publisher.close)
        yield Fleet(shared, owner, publisher, data, exits)


@pytest.fixture
def fleet(servers: Servers, database: Database, tmp_path: Path) -> Iterator[Fleet]:
    """Members are started by the test."""
    with running_fleet(servers, database, tmp_path, DEMO_RELEASE_GRACE="5") as made:
        yield made
