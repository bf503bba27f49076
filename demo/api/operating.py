"""What operators do: settle dead letters, read the audit log."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from demo import telemetry
from demo.api.access import OPERATOR, Caller
from demo.api.dependencies import UUID_FORM, Ask, Id
from demo.api.monitor import accepted, monitor
from demo.api.problems import Refusal
from demo.api.submitting import Again, checked
from demo.api.tasks import SEQ_FORM, page
from demo.contract import AuditEntry
from demo.store import auditing, dead_letters
from demo.store.records import Record

router = APIRouter(tags=["operators"])
Limit = Annotated[int, Query(ge=1, le=200, description="Items a page, at most.")]


def actor(caller: Caller) -> str:
    """The name that the audit log knows."""
    return caller.subject or "loopback"


Actor = Annotated[str, Depends(actor)]


@router.get("/dead-letters", openapi_extra=OPERATOR)
async def list_dead_letters(
    request: Request,
    ask: Ask,
    limit: Limit = 50,
    cursor: Annotated[
        str | None,
        Query(description="From `next`.", json_schema_extra={"pattern": f"^{UUID_FORM.pattern}$"}),
    ] = None,
) -> Response:
    """List failed tasks that were neither retried nor discarded, newest first."""
    if cursor is not None and not UUID_FORM.fullmatch(cursor):
        raise Refusal("bad-cursor", "Take `cursor` from a page's `next`.")
    before = UUID(cursor) if cursor else None
    found = await ask.run(dead_letters.letters, before=before, limit=limit + 1)
    items = [monitor(task, ask.base) for task in found[:limit]]
    return page(request, items, {"cursor": items[-1]["id"]} if len(found) > limit else {})


# --8<-- [start:retry]
@router.post("/dead-letters/{id}/retry", openapi_extra=OPERATOR, status_code=202)
async def retry_dead_letter(id: Id, ask: Ask, who: Actor, again: Again | None = None) -> Response:
    """Submit a new task like a failed one, with another input if need be. Once only."""
    old = await ask.find(id)
    input = checked(old, again.input) if again and again.input is not None else old.input
    trace = telemetry.traceparent()
    try:
        task = _found(
            await ask.run(dead_letters.retry, id, actor=who, input=input, traceparent=trace)
        )
    except dead_letters.Settled as settled:
        raise Refusal("settled", SETTLED) from settled
    ask.announcer.nudge()
    return accepted(task, ask.base, {})


# --8<-- [end:retry]


class Discard(BaseModel):
    """Why it is set aside."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=500)


@router.post("/dead-letters/{id}/discard", openapi_extra=OPERATOR)
async def discard_dead_letter(
    id: Id, ask: Ask, who: Actor, discard: Discard | None = None
) -> Response:
    """Set a failed task aside. It stays as it is, and leaves the list."""
    reason = discard.reason if discard else None
    try:
        task = _found(await ask.run(dead_letters.discard, id, actor=who, reason=reason))
    except dead_letters.Settled as settled:
        raise Refusal("settled", SETTLED) from settled
    return JSONResponse(monitor(task, ask.base), headers={"Cache-Control": "no-store"})


SETTLED = "It was retried or discarded before; the audit log says by whom."


def _found(task: Record | None) -> Record:
    if task is None:
        raise Refusal("not-found", "There is no such dead letter.")
    return task


@router.get("/audit", openapi_extra=OPERATOR)
async def list_audit(
    request: Request,
    ask: Ask,
    limit: Limit = 50,
    cursor: Annotated[
        str | None,
        Query(description="From `next`.", json_schema_extra={"pattern": f"^{SEQ_FORM.pattern}$"}),
    ] = None,
) -> Response:
    """List who did what, newest first."""
    if cursor is not None and not SEQ_FORM.fullmatch(cursor):
        raise Refusal("bad-cursor", "Take `cursor` from a page's `next`.")
    older = int(cursor) if cursor else None
    found = await ask.run(auditing.entries, older=older, limit=limit + 1)
    items: list[dict[str, Any]] = [
        AuditEntry(**entry).model_dump(mode="json") for entry in found[:limit]
    ]
    return page(request, items, {"cursor": items[-1]["id"]} if len(found) > limit else {})
