"""Uploads: slots that a client fills, a task holds, and time ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils import uuid7

from demo.store.statements import rows, statement


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A row: the promise of a client, and whether it was kept."""

    id: UUID
    tenant: str
    size: int
    sha256: str | None
    etag: str | None
    created: datetime
    expires: datetime

    @property
    def complete(self) -> bool:
        """All bytes are there."""
        return self.etag is not None


class NotUsable(Exception):
    """No complete upload of this tenant has that id; which of it is wrong is not told."""


# --8<-- [start:slots]
OPEN = statement("""
    INSERT INTO uploads (id, tenant, size, sha256, expires)
    SELECT :id, :tenant, :size, :sha256, clock_timestamp() + make_interval(secs => :seconds)
    WHERE (SELECT count(*) FROM uploads WHERE tenant = :tenant) < :most
    RETURNING *""")
GET = statement("""
    SELECT * FROM uploads
    WHERE id = :id AND tenant = :tenant AND expires > clock_timestamp()""")
COMPLETE = statement("""
    UPDATE uploads SET etag = :etag
    WHERE id = :id AND tenant = :tenant AND etag IS NULL AND expires > clock_timestamp()
    RETURNING *""")
# --8<-- [end:slots]
READ = statement("SELECT * FROM uploads WHERE id = :id AND tenant = :tenant")

# --8<-- [start:hold]
HOLD = statement("""
    UPDATE uploads SET expires = greatest(expires, clock_timestamp() + interval '1 hour')
    WHERE id = :id AND tenant = :tenant AND etag IS NOT NULL AND expires > clock_timestamp()
    RETURNING id""")


def hold(connection: Connection, tenant: str, id: str) -> None:
    """In the transaction that submits: from its COMMIT on, the open task keeps the upload.

    It writes the row, so that a sweep that has already chosen it looks again.

    Raises:
        NotUsable: there is none, it is not complete, it has expired, or it is another tenant's.
    """
    if not rows(connection, HOLD, tenant=tenant, id=id):
        raise NotUsable


EXPIRED = statement("""
    DELETE FROM uploads WHERE id IN (
        SELECT id FROM uploads WHERE expires < clock_timestamp() AND NOT EXISTS (
            SELECT FROM tasks WHERE input ? 'upload' AND input->>'upload' = uploads.id::text
              AND status IN ('queued', 'running', 'canceling'))
        LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING id""")
# --8<-- [end:hold]


def open_slot(
    connection: Connection,
    tenant: str,
    *,
    size: int,
    sha256: str | None,
    seconds: float,
    most: int,
) -> Uploaded | None:
    """A new slot. None: the tenant has as many as it may have."""
    given = {"size": size, "sha256": sha256, "seconds": seconds, "most": most}
    return _one(rows(connection, OPEN, id=str(uuid7()), tenant=tenant, **given))


def get(connection: Connection, tenant: str, id: UUID) -> Uploaded | None:
    """A slot that has not expired."""
    return _one(rows(connection, GET, tenant=tenant, id=id))


def complete(connection: Connection, tenant: str, id: UUID, etag: str) -> Uploaded | None:
    """All bytes are there. None: somebody was faster, or it has expired."""
    return _one(rows(connection, COMPLETE, tenant=tenant, id=id, etag=etag))


def used(connection: Connection, tenant: str, id: UUID) -> Uploaded | None:
    """The upload of an open task, whatever its age."""
    return _one(rows(connection, READ, tenant=tenant, id=id))


def expire(connection: Connection) -> int:
    """Forget what nobody uses any more; its blob is then an orphan."""
    connection.exec_driver_sql("SET LOCAL ROLE lro_retention")
    return len(rows(connection, EXPIRED))


# --8<-- [start:named]
UPLOADS = statement("SELECT id::text FROM uploads WHERE id = ANY(CAST(:ids AS uuid[]))")
TASKS = statement("""
    SELECT id::text, CASE WHEN status IN ('queued', 'running', 'canceling') THEN NULL
        ELSE coalesce(result #>> '{report,name}', '') END AS only
    FROM tasks WHERE id = ANY(CAST(:ids AS uuid[]))""")


def named(connection: Connection, uploads: set[str], tasks: set[str]) -> dict[str, str | None]:
    """Which of these ids have a row, and the one blob that a final task names (None: any)."""
    found = rows(connection, UPLOADS, ids=list(uploads))
    found += rows(connection, TASKS, ids=list(tasks))
    return {row["id"]: row.get("only") for row in found}


# --8<-- [end:named]


def _one(found: list[dict[str, Any]]) -> Uploaded | None:
    for row in found:
        return Uploaded(**{**row, "id": UUID(str(row["id"]))})
    return None
