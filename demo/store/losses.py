"""Dead attempts: found by their lease, by their parent, or by their successor."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextualSelect

from demo.contract import Status
from demo.store.records import Record
from demo.store.statements import event, rows, statement, transition

ERROR = {
    "code": "worker_lost",
    "title": "Worker lost",
    "message": "The worker died again and again at the same step; the task was given up.",
}
LATE = {
    "code": "deadline_exceeded",
    "title": "Deadline exceeded",
    "message": "The task was not finished by its deadline.",
}
FREES = "crashes = crashes + 1, worker = NULL, lease_until = NULL"


@dataclass(frozen=True, slots=True)
class _Loss:
    """The three ways out of a dead attempt, for one way of finding it."""

    requeue: TextualSelect
    give_up: TextualSelect
    cancel: TextualSelect

    def settle(
        self, connection: Connection, reason: str, *, budget: int, **found: Any
    ) -> list[Record]:
        again = [event("status", status=Status.QUEUED, reason=reason)]
        failed = [event("end", status=Status.FAILED, error=ERROR)]
        canceled = [event("end", status=Status.CANCELED, reason=reason)]
        settled = rows(connection, self.requeue, events=again, budget=budget, **found)
        settled += rows(
            connection, self.give_up, events=failed, budget=budget, error=ERROR, **found
        )
        settled += rows(connection, self.cancel, events=canceled, **found)
        return [Record.of(row) for row in settled]


# --8<-- [start:loss]
def _loss(found: str) -> _Loss:
    return _Loss(
        requeue=transition(
            f"status = 'queued', dispatch_after = clock_timestamp(), dispatches = 0, {FREES}",
            f"{found} AND status = 'running' AND crashes < :budget",
        ),
        give_up=transition(
            f"status = 'failed', error = :error, finished = clock_timestamp(), {FREES}",
            f"{found} AND status = 'running' AND crashes >= :budget",
        ),
        cancel=transition(
            f"status = 'canceled', finished = clock_timestamp(), {FREES}",
            f"{found} AND status = 'canceling'",
        ),
    )


EXPIRED = _loss("""
    id IN (SELECT id FROM tasks WHERE status IN ('running', 'canceling')
           AND lease_until < clock_timestamp() LIMIT 100 FOR UPDATE SKIP LOCKED)
    AND lease_until < clock_timestamp()""")
CHILD_GONE = _loss("id = :id AND attempt = :attempt")
WORKER_GONE = _loss("worker = :worker")
# --8<-- [end:loss]

# --8<-- [start:late]
EXPIRE = transition(
    "status = 'failed', error = :error, finished = clock_timestamp()",
    """id IN (SELECT id FROM tasks WHERE status = 'queued' AND deadline < clock_timestamp()
              LIMIT 100 FOR UPDATE SKIP LOCKED)
       AND status = 'queued' AND deadline < clock_timestamp()""",
)


def expire(connection: Connection) -> list[Record]:
    """Fail what still waits at its deadline; the holder of a running task stops it itself."""
    ended = [event("end", status=Status.FAILED, error=LATE)]
    return [Record.of(row) for row in rows(connection, EXPIRE, events=ended, error=LATE)]


# --8<-- [end:late]

UP_SINCE = statement("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")


def database_age(connection: Connection) -> float:
    """Seconds since PostgreSQL started: younger than a lease, its leases prove nothing."""
    return float(connection.execute(UP_SINCE).scalar_one())


def reap(connection: Connection, *, budget: int) -> list[Record]:
    """Take tasks whose lease is past due from their holders."""
    return EXPIRED.settle(connection, "lease_expired", budget=budget)


def child_gone(
    connection: Connection, id: UUID, attempt: int, *, budget: int, reason: str = "worker_lost"
) -> list[Record]:
    """A pool child died with this attempt; its parent says so, or itself before it ends."""
    return CHILD_GONE.settle(connection, reason, id=id, attempt=attempt, budget=budget)


def worker_gone(connection: Connection, worker: str, *, budget: int) -> list[Record]:
    """A worker of this name starts: what its predecessor held is free."""
    return WORKER_GONE.settle(connection, "worker_lost", worker=worker, budget=budget)
