"""The store as worker, dispatcher and API see it, on a real database."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from demo.store import attempts, reads, submitting
from demo.store.engines import begin, engine
from demo.store.records import Record

T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """Short words for the tests; each call is a transaction of its own."""

    worker: Engine
    owner: Engine

    def do(self, use: Callable[..., T], *args: Any, **named: Any) -> T:
        with begin(self.worker) as connection:
            return use(connection, *args, **named)

    def submit(self, tenant: str = "local", **input: Any) -> Record:
        with begin(self.owner) as connection:
            return submitting.submit(
                connection, tenant=tenant, kind="rehearsal", input={"steps": 3, **input}
            ).task

    def claim(self, task: Record, attempt: int = 0, worker: str = "w") -> Record | None:
        return self.do(attempts.claim, task.id, attempt, worker=worker, lease=30)

    def running(self, **input: Any) -> Record:
        claimed = self.claim(self.submit(**input))
        assert claimed
        return claimed

    def get(self, id: UUID) -> Record:
        with begin(self.owner) as connection:
            found = connection.execute(
                text("SELECT tenant FROM tasks WHERE id = :id"), {"id": id}
            ).scalar_one()
            task = reads.get(connection, found, id)
        assert task
        return task

    def events(self, task: Record) -> list[dict[str, Any]]:
        with begin(self.owner) as connection:
            return reads.events_after(connection, task.tenant, task.id, 0)

    def sql(self, statement: str, **parameters: Any) -> Any:
        with begin(self.owner) as connection:
            return connection.execute(text(statement), parameters)

    def expire(self, task: Record) -> None:
        self.sql("UPDATE tasks SET lease_until = now() - interval '1 s' WHERE id = :id", id=task.id)


@pytest.fixture
def store(database: Any) -> Iterator[Store]:
    made = Store(engine(database.worker, pool_size=16), engine(database.owner, pool_size=16))
    yield made
    made.worker.dispose()
    made.owner.dispose()


@pytest.fixture
def at_once() -> Callable[[int, Callable[[int], T]], list[T]]:
    """Run a function n times at the same moment; returns results in no order."""

    def run(n: int, act: Callable[[int], T]) -> list[T]:
        results: list[T] = []
        barrier = threading.Barrier(n)

        def go(number: int) -> None:
            barrier.wait()
            results.append(act(number))

        threads = [threading.Thread(target=go, args=(number,)) for number in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == n, "a thread raised"
        return results

    return run


def events_are_gapless(events: list[dict[str, Any]], head: int) -> bool:
    """Numbers 1..head, and attempts that never go back (invariants I4 and I8)."""
    numbers = [event["seq"] for event in events]
    taken = [event["attempt"] for event in events]
    return numbers == list(range(1, head + 1)) and taken == sorted(taken)
