"""One attempt's side of the store: its buffer, its checkpoints, its end."""

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from demo.contract import Checkpoint, Status
from demo.settings import Settings
from demo.store import attempts, losses
from demo.store.engines import begin, once
from demo.store.records import Record, Written
from demo.wakeups import Publisher
from demo.worker.buffer import Buffer
from demo.worker.interrupts import Canceled, Expired, Fenced, Interrupted, Released, told_by

LOG = logging.getLogger(__name__)
T = TypeVar("T")


class Attempt:
    """What the work's thread and the pulse's thread share; every write is fenced by its number."""

    def __init__(
        self,
        task: Record,
        source: Engine,
        publisher: Publisher,
        knobs: Settings,
        stopping: threading.Event,
    ) -> None:
        self.task = task
        self.buffer = Buffer()
        self.told: type[Interrupted] | None = None
        self.touched = time.monotonic()
        self._source = source
        self._publisher = publisher
        self._knobs = knobs
        self._stopping = stopping
        self._lock = threading.RLock()
        self._in_doubt = 0
        self._expires = _seconds_left(task) + self.touched

    def heed(self) -> None:
        """Note that the work moves, and raise what the attempt was told meanwhile."""
        self.touched = time.monotonic()
        self.look_at_the_clock(self.touched)
        if self.told:
            raise self.told
        if self._stopping.is_set():
            raise Released

    def look_at_the_clock(self, now: float) -> None:
        """Note when the deadline passes, by the clock that set it."""
        if now >= self._expires:
            self.told = self.told or Expired

    def sleep(self, seconds: float) -> None:
        """Wait for the work, as long as nothing interrupts it."""
        until = time.monotonic() + seconds
        self.heed()
        while (left := until - time.monotonic()) > 0:
            self._stopping.wait(min(left, 0.1))
            self.heed()

    # --8<-- [start:flush]
    def flush(self) -> None:
        """Write what is buffered; learns of a cancel or a fence on the way."""
        if self.buffer.empty:
            return
        with self._lock:
            with once(self._source) as connection:
                events, progress = self._buffered(connection)
                self._in_doubt = len(events)
                row = attempts.append(connection, self.task, events, progress)
            self._written(row, len(events))
        self.told = told_by(row.status if row else None) or self.told

    def _buffered(self, connection: Connection) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What is to be written, without what a flush wrote whose reply was lost."""
        if self._in_doubt and attempts.said(connection, self.task):
            self.buffer.drop(self._in_doubt)
        self._in_doubt = 0
        return self.buffer.peek()

    def _written(self, row: Written | None, events: int) -> None:
        self._in_doubt = 0
        self.buffer.drop(events)
        if row:
            self.task = self.task._replace(last_seq=row.last_seq, failures=row.failures)
            self._publisher.publish(row)

    # --8<-- [end:flush]

    def beat(self) -> None:
        """Renew the lease; learns the same."""
        with once(self._source) as connection:
            status = attempts.beat(connection, self.task, lease=self._knobs.lease)
        self.told = told_by(status) or self.told

    # --8<-- [start:commit]
    def checkpoint(self, point: Checkpoint) -> None:
        """Return only when the step is committed, or raise why it never will be."""

        def commit(connection: Connection, events: list[dict[str, Any]]) -> Written:
            lease = self._knobs.lease
            if row := attempts.checkpoint(connection, self.task, point, events, lease=lease):
                return row
            row = attempts.settled(connection, self.task)
            if row and row.status is Status.RUNNING and row.step == point.step:
                return row  # an earlier COMMIT had succeeded, only its reply was lost
            raise told_by(row.status if row else None) or Fenced

        self._insist(commit)

    # --8<-- [end:commit]

    def finish(
        self, status: Status, *, result: Any = None, error: dict[str, Any] | None = None
    ) -> None:
        """Write the final status.

        Raises:
            Canceled: the task was canceled before its success could be written.
            Expired: so did its deadline pass.
            Fenced: another attempt owns the task.
        """

        def end(connection: Connection, events: list[dict[str, Any]]) -> Written:
            row = attempts.finish(
                connection, self.task, status, events=events, result=result, error=error
            )
            if row:
                return row
            row = attempts.settled(connection, self.task)
            if row and row.status is status:
                return row
            raise told_by(row.status if row else None) or Expired  # nothing else is refused

        self._insist(end)
        if self._knobs.tenant_cap:
            self._publisher.nudge()  # its tenant may run one more

    def give_up(self, why: type[Interrupted]) -> None:
        """End what was told to stop, in the words of its reason."""
        if why is Expired:
            self.finish(Status.FAILED, error=losses.LATE)
        else:
            self.finish(Status.CANCELED)

    def release(self) -> None:
        """Hand the task back, due now, without counting a crash."""
        self._let_go(lambda c, events: attempts.release(c, self.task, events))

    def postpone(self, delay: float, error: dict[str, Any], budget: int) -> None:
        """Hand the task back, due in `delay` seconds."""
        self._let_go(
            lambda c, events: attempts.postpone(c, self.task, delay, error, events, budget=budget)
        )

    def crashed(self, reason: str) -> None:
        """Give the attempt up, as its parent would after a crash."""
        dead, budget = self.task, self._knobs.crash_budget
        with begin(self._source) as connection:
            settled = losses.child_gone(
                connection, dead.id, dead.attempt, reason=reason, budget=budget
            )
        self._publisher.publish(*settled)
        self._publisher.nudge()

    def _let_go(self, write: Callable[[Connection, list[dict[str, Any]]], Written | None]) -> None:
        def release(connection: Connection, events: list[dict[str, Any]]) -> Written:
            if row := write(connection, events):
                return row
            row = attempts.settled(connection, self.task)
            raise Canceled if row and row.status is Status.CANCELING else Fenced

        self._insist(release)
        self._publisher.nudge()

    # --8<-- [start:insist]
    def _insist(self, write: Callable[[Connection, list[dict[str, Any]]], Written]) -> None:
        """Write with all buffered events in one statement, through an outage of PostgreSQL."""
        pause = 0.1
        with self._lock:
            while True:
                try:
                    with once(self._source) as connection:
                        events, _ = self._buffered(connection)
                        row = write(connection, events)
                    break
                except (OperationalError, InterfaceError, PoolTimeout) as error:
                    if self._stopping.is_set():
                        raise Fenced from None  # the lease hands the task on
                    LOG.warning("task %s waits: %s", self.task.id, type(error).__name__)
                    self.touched = time.monotonic()
                    self._stopping.wait(pause)
                    pause = min(2 * pause, 2)
            self._written(row, len(events))

    # --8<-- [end:insist]


def _seconds_left(task: Record) -> float:
    """From the claim to the deadline, both by the database's clock."""
    if not task.deadline:
        return math.inf
    claimed = datetime.fromisoformat(task.committed[0]["at"])
    return (task.deadline - claimed).total_seconds()
