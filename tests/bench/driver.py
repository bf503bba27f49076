"""Commits events at a pace, through the store functions and wake-ups that a worker uses."""

import time
from contextlib import ExitStack
from uuid import UUID

from demo.store import attempts, submitting
from demo.store.engines import begin, engine
from demo.store.records import Record
from demo.store.statements import event
from demo.wakeups import Publisher
from tests.bench.world import KEY, World


class Driver:
    """Holds running tasks and remembers when each of their events was committed."""

    def __init__(self, world: World, exits: ExitStack) -> None:
        self._source, self._owner = engine(world.database.worker), engine(world.database.owner)
        exits.callback(self._source.dispose)
        exits.callback(self._owner.dispose)
        self._publisher = Publisher(world.redis_url, KEY.encode())
        exits.callback(self._publisher.close)
        self.committed: dict[int, int] = {}
        self.heads: dict[UUID, int] = {}

    def running(self, tasks: int) -> list[Record]:
        """Submit and claim tasks; no lease of theirs ends while the bench runs."""
        made = []
        with begin(self._owner) as connection:
            for _ in range(tasks):
                task = submitting.submit(
                    connection, "local", kind="rehearsal", input={"steps": 1}
                ).task
                made.append(attempts.claim(connection, task.id, 0, worker="bench", lease=3600))
        return [task for task in made if task]

    def commit(self, task: Record, padding: int = 0) -> None:
        """One event: COMMIT, note the moment, wake the followers."""
        stamp = time.monotonic_ns()
        line = event("log", level="info", message=f"{stamp} a line of a log{'.' * padding}")
        with begin(self._source) as connection:
            row = attempts.append(connection, task, [line], {})
        self.committed[stamp] = time.monotonic_ns()
        assert row, "the bench lost a task"
        self.heads[task.id] = row.last_seq
        self._publisher.publish(row)

    def play(self, tasks: list[Record], rate: float, seconds: float, padding: int = 0) -> float:
        """`rate` events a second for each task, evenly spread; returns the rate that was kept."""
        began = time.monotonic()
        total = round(len(tasks) * rate * seconds)
        for number in range(total):
            wait = began + number / (len(tasks) * rate) - time.monotonic()
            time.sleep(max(0, wait))
            self.commit(tasks[number % len(tasks)], padding)
        return total / len(tasks) / max(seconds, time.monotonic() - began)
