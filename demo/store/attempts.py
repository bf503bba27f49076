"""What the holder of an attempt may do: claim, append, checkpoint, finish, let go.

Every statement after the claim carries the attempt's number. A process that was presumed dead
and comes back matches no row: it is fenced.
"""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextualSelect

from demo.contract import Checkpoint, Status
from demo.store.prepared import prepared
from demo.store.records import COLUMNS, Record, Written
from demo.store.statements import event, statement, transition

Events = list[dict[str, Any]]

# --8<-- [start:claim]
CLAIM = transition(
    """status = 'running', attempt = attempt + 1, worker = :worker,
       lease_until = clock_timestamp() + make_interval(secs => :lease),
       started = coalesce(started, clock_timestamp())""",
    """id = :id AND status = 'queued' AND attempt = :attempt
       AND (deadline IS NULL OR deadline > clock_timestamp())
       AND (CAST(:cap AS int) IS NULL OR :cap > (
            SELECT count(*) FROM tasks AS others WHERE others.tenant = tasks.tenant
              AND others.status IN ('running', 'canceling')))""",
    returns=", ".join(sorted(COLUMNS)),
)
ONE_OF_A_TENANT = statement("""
    SELECT pg_advisory_xact_lock(hashtextextended(tenant, 0)) FROM tasks WHERE id = :id""")


def claim(
    connection: Connection,
    id: UUID,
    attempt: int,
    *,
    worker: str,
    lease: float,
    cap: int | None = None,
) -> Record | None:
    """Take a queued task: a compare-and-set on its status and attempt.

    None: a stale hint, or the tenant has its `cap` of tasks running already.
    """
    if cap is not None:
        connection.execute(ONE_OF_A_TENANT, {"id": id})  # who counts must see who counted before
    entry = event("status", status=Status.RUNNING, reason="claimed", worker=worker)
    mine = {"id": id, "attempt": attempt, "worker": worker, "lease": lease, "cap": cap}
    taken = prepared(connection, CLAIM, events=[entry], **mine)
    return Record.of(taken[0]) if taken else None


# --8<-- [end:claim]

MINE = "id = :id AND attempt = :attempt"
LETS_GO = "worker = NULL, lease_until = NULL"
# without input, state and result, which can be large
WRITTEN = ", ".join(name for name in Written._fields if name != "committed")
write = partial(transition, returns=WRITTEN)
APPEND = write("progress = progress || :progress", f"{MINE} AND status IN ('running', 'canceling')")


def append(
    connection: Connection, task: Record, events: Events, progress: dict[str, Any]
) -> Written | None:
    """Write log lines and progress between checkpoints. None: fenced."""
    return _one(connection, APPEND, task, events=events, progress=progress)


# --8<-- [start:checkpoint]
CHECKPOINT = write(
    """step = :step, state = :state, progress = progress || :progress,
       crashes = 0, failures = 0,
       lease_until = clock_timestamp() + make_interval(secs => :lease)""",
    f"{MINE} AND status = 'running' AND step < :step",
    """, affected AS (
        INSERT INTO effects (task_id, tenant, key, attempt, result)
        SELECT id, tenant, key, attempt, value FROM changed, jsonb_each(:effects)
        ON CONFLICT (task_id, key) DO NOTHING)""",
)


def checkpoint(
    connection: Connection, task: Record, point: Checkpoint, events: Events, *, lease: float
) -> Written | None:
    """Commit a step: state, effects and all events so far, or none of it.

    None: this attempt may not write any more, or the step is committed already (`settled`).
    """
    progress = {"step": point.step, "percent": point.percent, "message": point.message}
    told = {name: value for name, value in progress.items() if value is not None}
    return _one(
        connection,
        CHECKPOINT,
        task,
        step=point.step,
        state=point.state,
        progress=told,
        lease=lease,
        effects=dict(point.effects),
        events=[*events, event("progress", **told)],
    )


# --8<-- [end:checkpoint]

SETTLED = statement(f"SELECT {WRITTEN} FROM tasks WHERE {MINE} FOR UPDATE")  # noqa: S608


def settled(connection: Connection, task: Record) -> Written | None:
    """The row as it stands, read under its lock: settles a COMMIT whose reply was lost."""
    return _one(connection, SETTLED, task)


SAID = statement("""
    SELECT seq FROM events WHERE task_id = :id AND attempt = :attempt AND seq > :seq
      AND type IN ('log', 'progress') LIMIT 1""")


def said(connection: Connection, task: Record) -> bool:
    """Whether a line or progress newer than `task` is in the log: settles a lost APPEND."""
    settled(connection, task)  # its lock waits for a COMMIT that is still under way
    found = {"id": task.id, "attempt": task.attempt, "seq": task.last_seq}
    return bool(prepared(connection, SAID, **found))


BEAT = statement(f"""
    UPDATE tasks SET lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE {MINE} AND status IN ('running', 'canceling') RETURNING status""")  # noqa: S608


def beat(connection: Connection, task: Record, *, lease: float) -> Status | None:
    """Renew the lease and learn whether the task is to be canceled. None: fenced."""
    found = prepared(connection, BEAT, id=task.id, attempt=task.attempt, lease=lease)
    return Status(found[0]["status"]) if found else None


UPGRADE = write(
    "version = :version, step = :step, state = :state", f"{MINE} AND status = 'running'"
)


def upgrade(
    connection: Connection, task: Record, version: int, step: int, state: Any
) -> Written | None:
    """Replace a checkpoint that an older version of the kind wrote. None: fenced."""
    entry = event("log", level="info", message=f"Checkpoint upgraded to version {version}.")
    return _one(connection, UPGRADE, task, version=version, step=step, state=state, events=[entry])


# --8<-- [start:finish]
FINISH = write(
    f"status = :status, result = :result, error = :error, finished = clock_timestamp(), {LETS_GO}",
    f"""{MINE} AND (status = 'running' OR status = 'canceling' AND :status <> 'succeeded')
        AND (:status <> 'succeeded' OR deadline IS NULL OR deadline > clock_timestamp())""",
)


def finish(
    connection: Connection,
    task: Record,
    status: Status,
    *,
    events: Events,
    result: Any = None,
    error: dict[str, Any] | None = None,
) -> Written | None:
    """End the task: status, result and `end` event in one transaction. None: fenced."""
    entries = [*events, event("end", status=status, error=error)]
    return _one(connection, FINISH, task, status=status, result=result, error=error, events=entries)


# --8<-- [end:finish]

RELEASE = write(
    f"status = 'queued', dispatch_after = clock_timestamp(), dispatches = 0, {LETS_GO}",
    f"{MINE} AND status = 'running'",
)


def release(connection: Connection, task: Record, events: Events) -> Written | None:
    """Hand a running task back, due now, without counting a crash. None: fenced or canceling."""
    entry = event("status", status=Status.QUEUED, reason="released")
    return _one(connection, RELEASE, task, events=[*events, entry])


POSTPONE = write(
    f"""status = 'queued', failures = failures + 1, dispatches = 0, {LETS_GO},
        dispatch_after = clock_timestamp() + make_interval(secs => :delay)""",
    f"{MINE} AND status = 'running'",
)


def postpone(
    connection: Connection,
    task: Record,
    delay: float,
    error: dict[str, Any],
    events: Events,
    *,
    budget: int | None = None,
) -> Written | None:
    """Queue a transiently failed task for later: a row that is due later, never a message."""
    told = {"retry_in": round(delay, 1), "error": error, "failures": task.failures + 1}
    entry = event("status", status=Status.QUEUED, reason="retry", budget=budget, **told)
    return _one(connection, POSTPONE, task, delay=delay, events=[*events, entry])


def _one(
    connection: Connection, sql: TextualSelect, task: Record, **parameters: Any
) -> Written | None:
    found = prepared(connection, sql, id=task.id, attempt=task.attempt, **parameters)
    return Written.of(found[0]) if found else None
