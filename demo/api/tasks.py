"""Reading tasks: monitor, list, result and history."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from demo.api.access import USER
from demo.api.dependencies import UUID_FORM, Ask, Id
from demo.api.direct import Direct
from demo.api.monitor import accepted, error, monitor, shown
from demo.api.preferring import Wished
from demo.api.problems import Refusal
from demo.contract import KINDS, Status
from demo.hub import ordered
from demo.store import reads

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=Direct)
SEQ_FORM = re.compile("[0-9]{1,18}")
SEQ = {"pattern": f"^{SEQ_FORM.pattern}$"}
After = Annotated[
    str, Query(description="The last event's number that you have.", json_schema_extra=SEQ)
]


Known = Annotated[str | None, Header(description="The `ETag` that you have.")]


class Listing(BaseModel):
    """What a page of tasks is asked by."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = Field(None, description="Only tasks that stand there.")
    kind: Literal[*KINDS] | None = Field(  # type: ignore[valid-type]
        None, description="Only tasks of this sort."
    )
    limit: int = Field(50, ge=1, le=200, description="Items a page, at most.")
    cursor: str | None = Field(
        None, description="From `next`.", json_schema_extra={"pattern": f"^{UUID_FORM.pattern}$"}
    )


@router.get("", openapi_extra=USER)
async def list_tasks(request: Request, listing: Annotated[Listing, Query()], ask: Ask) -> Response:
    """List tasks, newest first."""
    if listing.cursor is not None and not UUID_FORM.fullmatch(listing.cursor):
        raise Refusal("bad-cursor", "Take `cursor` from a page's `next`.")
    found = await ask.run(
        reads.list_tasks,
        before=UUID(listing.cursor) if listing.cursor else None,
        status=listing.status,
        kind=listing.kind,
        limit=listing.limit + 1,
    )
    items = [monitor(task, ask.base) for task in found[: listing.limit]]
    more = len(found) > listing.limit
    return page(request, items, {"cursor": items[-1]["id"]} if more else {})


@router.get("/{id}", openapi_extra=USER)
async def get_task(id: Id, ask: Ask, wish: Wished, if_none_match: Known = None) -> Response:
    """The status monitor: always 200, also for a failed task; poll it by `Retry-After`."""
    task = await wish.granted(await ask.find(id))
    return shown(task, ask.base, if_none_match, wish.headers(task))


# --8<-- [start:result]
@router.get("/{id}/result", openapi_extra=USER)
async def get_task_result(id: Id, ask: Ask, wish: Wished) -> Response:
    """The result; 202 while there is none yet, 409 when there will never be one."""
    task = await wish.granted(await ask.find(id))
    if not task.status.final:
        return accepted(task, ask.base, wish.headers(task))
    if task.status is Status.SUCCEEDED:
        return JSONResponse(task.result, headers={"Cache-Control": "no-store"})
    reason = error(task, ask.base)
    raise Refusal(f"task-{task.status}", reason.message if reason else "It has no result.")


# --8<-- [end:result]


@router.get("/{id}/events", openapi_extra=USER)
async def list_events(
    request: Request,
    id: Id,
    ask: Ask,
    after: After = "0",
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page, at most.")] = 100,
) -> Response:
    """The task's history after an event, in order and without a gap."""
    start = cursor(after)
    await ask.find(id)
    found = await ask.run(reads.events_after, id, start, limit + 1)
    items = [ordered(event) for event in found[:limit]]
    return page(request, items, {"after": items[-1]["seq"]} if len(found) > limit else {})


def page(request: Request, items: list[dict[str, Any]], following: dict[str, Any]) -> Response:
    """Items, and where the next ones are."""
    told: dict[str, Any] = {"items": items}
    if following:
        told["next"] = str(request.url.include_query_params(**following))
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def cursor(text: str) -> int:
    """An event's number, or 0 for none.

    Raises:
        Refusal: anything else, before a byte of an answer is sent.
    """
    if not SEQ_FORM.fullmatch(text):
        raise Refusal("bad-cursor", "A cursor is an event's number.")
    return int(text)
