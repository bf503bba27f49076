"""What clients may see: one task, pages of tasks, pages of events."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from demo.store.records import COLUMNS, Record
from demo.store.statements import rows, statement

SEVERAL = statement("SELECT * FROM tasks WHERE id = ANY(CAST(:ids AS uuid[])) AND tenant = :tenant")
GET = statement("SELECT * FROM task_of(:tenant, :id) WHERE tenant = :tenant")
# without `state`: a checkpoint may be 256 KB, and no client sees it
SHOWN = statement(f"""
    SELECT {", ".join(f"shown.{name}" for name in COLUMNS - {"state"})}
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id), task_of(:tenant, asked.id) AS shown
    WHERE tenant = :tenant""")  # noqa: S608 - names of this package only
LIST = statement("""
    SELECT * FROM tasks WHERE tenant = :tenant
      AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))
      AND (CAST(:status AS text) IS NULL OR status = :status)
      AND (CAST(:kind AS text) IS NULL OR kind = :kind)
    ORDER BY id DESC LIMIT :limit""")
EVENTS = statement("""
    SELECT event_json(seq, type, attempt, at, data) AS data FROM events
    WHERE task_id = :id AND tenant = :tenant AND seq > :after ORDER BY seq LIMIT :limit""")
HEADS = statement("SELECT * FROM heads(CAST(:ids AS uuid[]), CAST(:tenants AS text[]))")
HOSTS = statement("""
    SELECT host, failures, open_until FROM hosts
    WHERE failures > 0 ORDER BY open_until DESC NULLS LAST LIMIT 50""")
BACKLOG = statement("SELECT waiting, ended_a_minute FROM backlog(CAST(:most AS int))")
COUNTS = statement("SELECT status, count(*) AS tasks FROM tasks WHERE tenant = :tenant GROUP BY 1")


def get(connection: Connection, tenant: str, id: UUID) -> Record | None:
    """One task of a tenant."""
    found = rows(connection, GET, id=id, tenant=tenant)
    return Record.of(found[0]) if found else None


def several(connection: Connection, tenant: str, ids: list[UUID]) -> list[Record]:
    """Those of some tasks that are a tenant's."""
    return [Record.of(row) for row in rows(connection, SEVERAL, ids=ids, tenant=tenant)]


def list_tasks(
    connection: Connection,
    tenant: str,
    *,
    before: UUID | None = None,
    status: str | None = None,
    kind: str | None = None,
    limit: int = 50,
) -> list[Record]:
    """A tenant's tasks, newest first, older than `before`."""
    found = rows(
        connection, LIST, tenant=tenant, before=before, status=status, kind=kind, limit=limit
    )
    return [Record.of(row) for row in found]


def events_after(
    connection: Connection, tenant: str, id: UUID, after: int, limit: int = 500
) -> list[dict[str, Any]]:
    """A task's events with a greater number, in order."""
    found = rows(connection, EVENTS, tenant=tenant, id=id, after=after, limit=limit)
    return [row["data"] for row in found]


def heads(connection: Connection, tasks: list[tuple[UUID, str]]) -> dict[UUID, int]:
    """The newest event's number of tasks and their tenants: one statement for all of them."""
    ids, tenants = [id for id, _ in tasks], [tenant for _, tenant in tasks]
    found = rows(connection, HEADS, ids=ids, tenants=tenants)
    return {UUID(str(row["id"])): row["last_seq"] for row in found}


def counts(connection: Connection, tenant: str) -> dict[str, int]:
    """How many tasks stand in each status."""
    return {row["status"]: row["tasks"] for row in rows(connection, COUNTS, tenant=tenant)}


def hosts(connection: Connection) -> list[dict[str, Any]]:
    """Hosts outside that failed lately, and until when their breaker is open."""
    return rows(connection, HOSTS)
