"""Which tasks are due, and whether the broker still remembers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextualSelect

from demo.store import auditing
from demo.store.statements import rows, statement

# --8<-- [start:due]
DUE = statement("""
    WITH busy AS (  -- what a tenant has running, or hinted and not claimed yet
        SELECT tenant, count(*) AS tasks FROM tasks
        WHERE status IN ('running', 'canceling')
           OR status = 'queued' AND dispatches > 0 AND dispatch_after > clock_timestamp()
        GROUP BY tenant
    ), line AS (  -- each further task of a tenant has a later turn
        SELECT id, priority, coalesce(busy.tasks, 0) + row_number() OVER (
            PARTITION BY tenant ORDER BY priority, id) AS turn
        FROM tasks LEFT JOIN busy USING (tenant)
        WHERE status = 'queued' AND queue = :queue AND dispatch_after <= clock_timestamp()
    ), chosen AS (
        SELECT id, turn FROM tasks JOIN (
            SELECT id, turn FROM line WHERE CAST(:cap AS int) IS NULL OR turn <= :cap
            ORDER BY turn, priority, id LIMIT :limit) AS first USING (id)
        WHERE status = 'queued' AND dispatch_after <= clock_timestamp()
        FOR UPDATE OF tasks SKIP LOCKED
    )
    UPDATE tasks SET dispatches = dispatches + 1, dispatch_after = clock_timestamp()
        + make_interval(secs => least(:last, :first * 2 ^ least(dispatches, 10)))
    FROM chosen WHERE tasks.id = chosen.id
    RETURNING tasks.id, attempt, queue, traceparent, priority, turn""")
# --8<-- [end:due]


@dataclass(frozen=True, slots=True)
class Hint:
    """Go and claim `id`, if its attempt is still this one."""

    id: UUID
    attempt: int
    queue: str
    traceparent: str | None


def due(
    connection: Connection,
    queue: str,
    limit: int,
    *,
    first: float,
    last: float,
    cap: int | None = None,
) -> list[Hint]:
    """Choose due tasks by tenant's turn, priority and age, and set when they are due again.

    With a `cap` no tenant gets more hints than it may still run.
    """
    chosen = rows(connection, DUE, queue=queue, limit=limit, first=first, last=last, cap=cap)
    chosen.sort(key=lambda row: (row["turn"], row["priority"], row["id"]))
    return [Hint(UUID(str(r["id"])), r["attempt"], queue, r["traceparent"]) for r in chosen]


MEMORY = statement("SELECT epoch, counter FROM broker_memory")
REMEMBER = statement("""
    UPDATE broker_memory SET counter = greatest(counter, :counter) WHERE epoch = :epoch""")
ALL_DUE = statement("""
    UPDATE tasks SET dispatch_after = clock_timestamp(), dispatches = 0 
    WHERE status = 'queued' AND dispatches > 0""")
NEW_EPOCH = statement("""
    UPDATE broker_memory SET epoch = gen_random_uuid(), counter = 0 RETURNING epoch, counter""")
PURGE = statement("""
    DELETE FROM tasks WHERE id IN (
        SELECT id FROM tasks WHERE status IN ('succeeded', 'failed', 'canceled')
          AND created < clock_timestamp() - make_interval(days => :days) LIMIT 1000)
    RETURNING id""")
PURGE_KEYS = statement("DELETE FROM idempotency_keys WHERE expires < clock_timestamp()")
PURGE_HOSTS = statement("""
    DELETE FROM hosts WHERE greatest(next_at, open_until) < clock_timestamp() - interval '1 day'
""")
PURGE_VISITS = statement("DELETE FROM visits WHERE at < clock_timestamp() - interval '1 hour'")


@dataclass(frozen=True, slots=True)
class Memory:
    """How many hints were sent since the broker last began from nothing."""

    epoch: str
    counter: int

    def lost_in(self, broker: "Memory | None") -> bool:
        """The broker remembers less than was sent: it restarted empty or from an old copy."""
        return broker is None or broker.epoch != self.epoch or broker.counter < self.counter


def memory(connection: Connection, sql: TextualSelect = MEMORY) -> Memory:
    """What the broker should remember."""
    row: dict[str, Any] = rows(connection, sql)[0]
    return Memory(str(row["epoch"]), row["counter"])


def remember(connection: Connection, sent: Memory) -> None:
    """Note hints after they were counted by the broker."""
    connection.execute(REMEMBER, {"counter": sent.counter, "epoch": sent.epoch})


def start_over(connection: Connection) -> Memory:
    """The broker forgot: every queued task is due now, under a new epoch."""
    connection.execute(ALL_DUE)
    return memory(connection, NEW_EPOCH)


def purge(connection: Connection, *, days: int, audit_days: int = 365) -> int:
    """Delete final tasks older than retention, under the one role that may delete."""
    connection.exec_driver_sql("SET LOCAL ROLE lro_retention")
    connection.execute(PURGE_KEYS)
    connection.execute(PURGE_HOSTS)
    connection.execute(PURGE_VISITS)
    auditing.purge(connection, days=audit_days)
    return len(rows(connection, PURGE, days=days))
