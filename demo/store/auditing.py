"""Who did what to whose task: rows that are only ever added."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from demo.store.statements import rows, statement

# --8<-- [start:record]
RECORD = statement("""
    INSERT INTO audit (tenant, actor, action, task_id, was, became)
    VALUES (:tenant, :actor, :action, :task_id, :was, :became)""")


def record(
    connection: Connection,
    tenant: str,
    *,
    actor: str,
    action: str,
    task_id: UUID | None = None,
    was: Any = None,
    became: Any = None,
) -> None:
    """Note what is being done, in the transaction that does it: both are committed, or neither."""
    told = {"actor": actor, "action": action, "task_id": task_id, "was": was, "became": became}
    connection.execute(RECORD, {"tenant": tenant, **told})


# --8<-- [end:record]

ENTRIES = statement("""
    SELECT id, at, actor, action, task_id, was, became FROM audit
    WHERE tenant = :tenant AND (CAST(:older AS bigint) IS NULL OR id < CAST(:older AS bigint))
    ORDER BY id DESC LIMIT :limit""")


def entries(
    connection: Connection, tenant: str, *, older: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """A tenant's entries, newest first, before number `older`."""
    return rows(connection, ENTRIES, tenant=tenant, older=older, limit=limit)


PURGE = statement("""
    DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE at < clock_timestamp() - make_interval(days => :days)
        ORDER BY id LIMIT 1000)""")


def purge(connection: Connection, *, days: int) -> None:
    """Delete what is older; the database refuses that for the last 90 days."""
    connection.execute(PURGE, {"days": days})
