"""Failed tasks that nobody has dealt with yet; their rows stay as they are, the audit log grows."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from demo.store import auditing, submitting
from demo.store.records import Record
from demo.store.statements import rows, statement

RETRY, DISCARD = "dead_letter.retry", "dead_letter.discard"

# --8<-- [start:letters]
OPEN = """
    status = 'failed' AND tenant = :tenant
    AND NOT EXISTS (SELECT FROM tasks AS later WHERE later.retry_of = tasks.id)
    AND NOT EXISTS (SELECT FROM audit WHERE audit.task_id = tasks.id
                    AND action IN ('dead_letter.retry', 'dead_letter.discard'))"""
LIST = statement(f"""
    SELECT * FROM tasks WHERE {OPEN}
      AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))
    ORDER BY id DESC LIMIT :limit""")  # noqa: S608 - constants of this module
LOCK = statement("""
    SELECT * FROM tasks WHERE id = :id AND tenant = :tenant AND status = 'failed' FOR UPDATE""")
IS_OPEN = statement(f"SELECT id FROM tasks WHERE id = :id AND {OPEN}")  # noqa: S608
# --8<-- [end:letters]


class Settled(Exception):
    """Somebody has dealt with this task already."""


def letters(
    connection: Connection, tenant: str, *, before: UUID | None = None, limit: int = 50
) -> list[Record]:
    """A tenant's dead letters, newest first, older than `before`."""
    found = rows(connection, LIST, tenant=tenant, before=before, limit=limit)
    return [Record.of(row) for row in found]


# --8<-- [start:settle]
def retry(
    connection: Connection,
    tenant: str,
    id: UUID,
    *,
    actor: str,
    input: Any,
    traceparent: str | None = None,
) -> Record | None:
    """Submit a task like a failed one, and note who did it and what was changed.

    None: there is no such failed task.

    Raises:
        Settled: it was dealt with before.
    """
    if not (letter := _take(connection, tenant, id)):
        return None
    task = submitting.submit(
        connection,
        tenant,
        kind=letter.kind,
        input=input,
        priority=letter.priority,
        traceparent=traceparent,
        retry_of=id,
    ).task
    told = {"was": _shown(letter), "became": {"task": str(task.id), "input": input}}
    auditing.record(connection, tenant, actor=actor, action=RETRY, task_id=id, **told)
    return task


def discard(
    connection: Connection, tenant: str, id: UUID, *, actor: str, reason: str | None
) -> Record | None:
    """Set a failed task aside; the same answers as `retry`."""
    if letter := _take(connection, tenant, id):
        told = {"was": _shown(letter), "became": {"reason": reason}}
        auditing.record(connection, tenant, actor=actor, action=DISCARD, task_id=id, **told)
    return letter


# --8<-- [end:settle]


def _take(connection: Connection, tenant: str, id: UUID) -> Record | None:
    """The task under its lock: of two operators the second sees what the first did."""
    found = rows(connection, LOCK, id=id, tenant=tenant)
    if found and not rows(connection, IS_OPEN, id=id, tenant=tenant):
        raise Settled
    return Record.of(found[0]) if found else None


def _shown(letter: Record) -> dict[str, Any]:
    return {"kind": letter.kind, "input": letter.input, "error": letter.error}
