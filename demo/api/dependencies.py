"""What a path operation may ask for: who asks, the store, and the parts that the app lives with."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Concatenate, ParamSpec, TypedDict, TypeVar, cast
from uuid import UUID

from asyncpg import InterfaceError, PostgresError  # type: ignore[import-untyped]
from fastapi import Depends, Path, Request
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from demo.api.access import Caller
from demo.api.announcing import Announcer
from demo.api.door import Door, refused
from demo.api.problems import Refusal, base_url
from demo.auth import Principal
from demo.auth.gate import Gate
from demo.blobs import Blobs
from demo.hub import Hub
from demo.settings import Settings, settings
from demo.store.batching import Batches
from demo.store.engines import begin_for
from demo.store.pool import AWAY, Exhausted, sqlstate
from demo.store.records import Record
from demo.store.submitting import Submitted, Wanted

P = ParamSpec("P")
T = TypeVar("T")
DATABASE = (Exhausted, OSError, InterfaceError, PostgresError, SQLAlchemyError)
LOCK_NOT_AVAILABLE = "55P03"
UNTRANSLATABLE = "22P05"  # JSON may hold U+0000, PostgreSQL may not
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class State(TypedDict):
    """What the lifespan makes and every request may use."""

    engine: AsyncEngine
    batches: Batches
    door: Door
    hub: Hub
    announcer: Announcer
    gate: Gate | None
    blobs: Blobs


# --8<-- [start:store]
@dataclass(frozen=True, slots=True)
class Asked:
    """One request's means: the store on behalf of its tenant, and the app's other parts."""

    engine: AsyncEngine
    batches: Batches
    door: Door
    hub: Hub
    announcer: Announcer
    gate: Gate | None
    caller: Principal
    blobs: Blobs
    base: str
    knobs: Settings

    @property
    def tenant(self) -> str:
        """Whose rows there are."""
        return self.caller.tenant

    def still(self) -> bool:
        """Whether the caller's token or session is good now; what lasts longer asks again."""
        return self.gate is None or self.gate.still(self.caller)

    async def run(
        self, function: Callable[Concatenate[Connection, str, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run a function of the store after BEGIN, return its value after COMMIT.

        Raises:
            Refusal: the database is away (503), or the row is held by another request (409).
        """
        try:
            async with begin_for(self.engine, self.tenant) as connection:
                return await connection.run_sync(function, self.tenant, *args, **kw)
        except DATABASE as error:
            raise _refusal(error) from error

    # --8<-- [end:store]

    async def submit(self, new: Wanted) -> Submitted | None:
        """Insert a task together with others. None: an earlier request had the key."""
        try:
            return await self.batches.submit(self.tenant, new)
        except DATABASE as error:
            raise _refusal(error) from error

    async def find(self, id: UUID) -> Record:
        """A task of the tenant.

        Raises:
            Refusal: 404, or 410 for ids whose time is before the retention, whoever asks.
        """
        try:
            if found := await self.batches.find(self.tenant, id):
                return found
        except DATABASE as error:
            raise _refusal(error) from error
        days = self.knobs.retention_days
        oldest = datetime.now(UTC) - timedelta(days=days)
        if id.version == 7 and id.int >> 80 < oldest.timestamp() * 1000:
            raise Refusal("gone", f"Tasks are kept {days} days.")
        raise Refusal("not-found", NO_SUCH_TASK)


NO_SUCH_TASK = "There is no such task."  # the same words for another tenant's


def _refusal(error: Exception) -> Exception:
    state = sqlstate(error)
    if state == LOCK_NOT_AVAILABLE:
        return Refusal("busy", "Try again.", {"Retry-After": "1"})
    if state == UNTRANSLATABLE:
        return Refusal("invalid-input", "A text holds the character U+0000.")
    if limit := refused(state, getattr(error, "detail", None)):
        return limit
    if isinstance(error, Exhausted | PoolTimeout):
        return Refusal("overloaded", "All connections are in use.", {"Retry-After": "1"})
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    unreached = isinstance(error, OSError | InterfaceError)
    if lost or unreached or state[:2] in AWAY:
        told = "The database is away. Try again, a POST with the same Idempotency-Key."
        return Refusal("unavailable", told, {"Retry-After": "2"})
    return error


async def asked(request: Request, caller: Caller) -> Asked:
    """Who asks is settled before anything else."""
    parts = cast(State, request.scope["state"])
    return Asked(**parts, caller=caller, base=base_url(request), knobs=settings())


async def task_id(
    id: Annotated[str, Path(description="The task's id.", json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The id of the path; what is no UUID names nothing."""
    if not UUID_FORM.fullmatch(id):
        raise Refusal("not-found", NO_SUCH_TASK)
    return UUID(id)


Ask = Annotated[Asked, Depends(asked)]
Id = Annotated[UUID, Depends(task_id)]
