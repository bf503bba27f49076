"""What a client may do to a task: submit and cancel. (A retry is a new submit.)"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils import uuid7

from demo.contract import KINDS, PRIORITY, Status
from demo.store import uploads
from demo.store.records import Record
from demo.store.statements import event, rows, statement, transition

# --8<-- [start:submit]
# --8<-- [start:keep-key]
KEPT = """
    kept AS (
        INSERT INTO idempotency_keys AS kept (tenant, key, fingerprint, task_id, expires)
        SELECT tenant, key, fingerprint, id, clock_timestamp() + make_interval(days => key_days)
        FROM asked WHERE key IS NOT NULL
        ON CONFLICT (tenant, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, task_id = excluded.task_id,
                expires = excluded.expires
            WHERE kept.expires < clock_timestamp()
        RETURNING task_id, expires)"""
# --8<-- [end:keep-key]
SUBMIT = statement(f"""
    WITH caller AS MATERIALIZED (  -- the tenant first: a policy shows no row without one
        SELECT set_config('app.tenant', :tenant, true) AS tenant
    ), asked AS MATERIALIZED (
        SELECT tenant, one.* FROM caller, jsonb_to_recordset(:wanted) AS one (
            id uuid, kind text, version int, queue text, priority int, input jsonb,
            deadline timestamptz, traceparent text, retry_of uuid,
            key text, fingerprint text, key_days int)
    ), {KEPT}, fresh AS MATERIALIZED (  -- all but those whose key an earlier request had
        SELECT asked.*, expires FROM asked LEFT JOIN kept ON task_id = id
        WHERE key IS NULL OR task_id IS NOT NULL
    ), admitted AS MATERIALIZED (
        SELECT admit(tenant, CAST(:most_open AS int), CAST(:a_minute AS int),
                     CAST(count(*) AS int)) FROM fresh GROUP BY tenant
    ), accepted AS (
        INSERT INTO tasks (id, tenant, kind, version, queue, priority, input, deadline,
                           traceparent, retry_of, last_seq)
        SELECT id, tenant, kind, version, queue, priority, input, deadline,
               traceparent, retry_of, 1
        FROM fresh, admitted
        RETURNING *
    ), logged AS (
        INSERT INTO events (task_id, tenant, seq, type, attempt, data)
        SELECT id, tenant, 1, 'status', 0, '{{"status": "queued", "reason": "submitted"}}'
        FROM accepted
    )
    SELECT accepted.*, expires FROM accepted JOIN fresh USING (id)""")  # noqa: S608 - constants
# --8<-- [end:submit]

EARLIER = statement("""
    SELECT keys.fingerprint, keys.expires, tasks.*
    FROM idempotency_keys AS keys JOIN tasks ON tasks.id = keys.task_id
    WHERE keys.tenant = :tenant AND keys.key = :key""")


class KeyReused(Exception):
    """The Idempotency-Key was used before for a different request."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task, whether an earlier request with the same key had made it, and the key's end."""

    task: Record
    replayed: bool
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task that a client wants."""

    kind: str
    input: dict[str, Any]
    priority: int = PRIORITY
    deadline: datetime | None = None
    traceparent: str | None = None
    retry_of: UUID | None = None
    key: str | None = None
    fingerprint: str = ""
    key_days: int = 1
    id: str = field(default_factory=lambda: str(uuid7()))

    def row(self) -> dict[str, Any]:
        """As SUBMIT takes it, in JSON's types."""
        kind = KINDS[self.kind]
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "version": kind.version,
            "queue": kind.queue,
            "deadline": self.deadline and self.deadline.isoformat(),
            "retry_of": self.retry_of and str(self.retry_of),
        }


@dataclass(frozen=True, slots=True)
class Quota:
    """What a tenant may have open, and submit a minute. None: no limit."""

    most_open: int | None = None
    a_minute: int | None = None


def parameters(wanted: Sequence[Wanted], quota: Quota) -> dict[str, Any]:
    """What SUBMIT takes beside the tenant."""
    return {"wanted": [one.row() for one in wanted], **asdict(quota)}


def made_by(row: dict[str, Any]) -> Submitted:
    """A row that SUBMIT returned; none comes back for a key that an earlier request had."""
    return Submitted(Record.of(row), False, row["expires"])


def submit(connection: Connection, tenant: str, **asked: Any) -> Submitted:
    """Insert a task, its first event and its key; nothing else is needed for it to run.

    Raises:
        KeyReused: the key belongs to a request with another `fingerprint`.
        uploads.NotUsable: the input names no upload that this tenant may use.
    """
    return insert(connection, tenant, Wanted(**asked), Quota())


def insert(connection: Connection, tenant: str, new: Wanted, quota: Quota) -> Submitted:
    """The same for what is wanted already, within a quota."""
    for row in rows(connection, SUBMIT, tenant=tenant, **parameters([new], quota)):
        if "upload" in new.input:
            uploads.hold(connection, tenant, new.input["upload"])
        return made_by(row)
    return replay(connection, tenant, str(new.key), new.fingerprint)


def replay(connection: Connection, tenant: str, key: str, fingerprint: str) -> Submitted:
    """The task that an earlier request with this key made.

    Raises:
        KeyReused: that request was another one.
    """
    (kept,) = rows(connection, EARLIER, tenant=tenant, key=key)
    if kept.pop("fingerprint") != fingerprint:
        raise KeyReused
    return Submitted(Record.of(kept), replayed=True, expires=kept["expires"])


# --8<-- [start:cancel]
CANCEL_QUEUED = transition(
    "status = 'canceled', finished = clock_timestamp()",
    "id = :id AND tenant = :tenant AND status = 'queued'",
)
CANCEL_RUNNING = transition(
    "status = 'canceling'", "id = :id AND tenant = :tenant AND status = 'running'"
)


def cancel(connection: Connection, tenant: str, id: UUID) -> Record | None:
    """End a queued task now; ask a running one to stop. None: neither queued nor running."""
    ended = event("end", status=Status.CANCELED)
    asked = event("status", status=Status.CANCELING, reason="cancel_requested")
    for sql, entry in ((CANCEL_QUEUED, ended), (CANCEL_RUNNING, asked), (CANCEL_QUEUED, ended)):
        for row in rows(connection, sql, id=id, tenant=tenant, events=[entry]):
            return Record.of(row)
    return None


# --8<-- [end:cancel]
