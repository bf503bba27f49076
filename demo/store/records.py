"""Rows as values."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from demo.contract import Status


class Record(NamedTuple):
    """A task's row, with the events that the statement committed."""

    id: UUID
    tenant: str
    kind: str
    version: int
    queue: str
    priority: int
    input: dict[str, Any]
    status: Status
    attempt: int
    crashes: int
    failures: int
    step: int
    state: Any
    progress: dict[str, Any]
    last_seq: int
    result: Any
    error: dict[str, Any] | None
    traceparent: str | None
    retry_of: UUID | None
    deadline: datetime | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    committed: list[dict[str, Any]]

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Record":
        """From a row as the drivers hand it out."""
        known: dict[str, Any] = {name: row.get(name) for name in _NAMES}
        known["committed"] = known["committed"] or []
        known["status"] = Status(row["status"])
        if not isinstance(row["id"], UUID):
            known["id"] = UUID(row["id"])
        return cls(**known)


_NAMES = Record._fields
COLUMNS = {*_NAMES} - {"committed"}


class Written(NamedTuple):
    """What the holder's write left in the row, with the events that it committed."""

    id: UUID
    status: Status
    step: int
    failures: int
    last_seq: int
    committed: list[dict[str, Any]]

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Written":
        """From a row of these columns."""
        told = {**row, "id": UUID(str(row["id"])), "status": Status(row["status"])}
        return cls(**{"committed": [], **told})
