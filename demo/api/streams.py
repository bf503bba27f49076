"""Events as they happen: server-sent events, resumed exactly where they broke off."""

import json
import random
import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from demo.api.access import USER
from demo.api.dependencies import NO_SUCH_TASK, UUID_FORM, Ask, Asked, Id
from demo.api.eventstream import EventStream, Several, one_task
from demo.api.monitor import monitor
from demo.api.problems import Refusal
from demo.api.tasks import SEQ, SEQ_FORM, After, cursor
from demo.hub import Frame, Wanted
from demo.store import reads
from demo.store.records import Record

router = APIRouter(tags=["streams"])
MOST = 100
TASK = re.compile(f"({UUID_FORM.pattern})(?::({SEQ_FORM.pattern}))?", re.IGNORECASE)
CURSOR = re.compile(rf"{SEQ_FORM.pattern}(\.{SEQ_FORM.pattern}){{0,{MOST - 1}}}")
LastId = Annotated[
    str | None, Header(description="The same, as browsers send it.", json_schema_extra=SEQ)
]
LastIds = Annotated[
    str | None,
    Header(
        description="The last event's `id`: it resumes all tasks, named in the same order.",
        json_schema_extra={"pattern": f"^{CURSOR.pattern}$"},
    ),
]
Tasks = Annotated[
    list[str],
    Query(
        description="`ID`, or `ID:SEQ` with the number of the last event that you have of it.",
        min_length=1,
        max_length=MOST,
        json_schema_extra={"items": {"type": "string", "pattern": f"^{TASK.pattern}$"}},
    ),
]


# --8<-- [start:stream]
@router.get("/tasks/{id}/stream", openapi_extra=USER)
async def stream_task(
    id: Id, ask: Ask, last_event_id: LastId = None, after: After = "0"
) -> Response:
    """Follow a task: its history after the cursor, then its tail, until its `end`."""
    have = cursor(after if last_event_id is None else last_event_id)
    return await _opened(ask, {id: have}, several=False)


@router.get("/stream", openapi_extra=USER)
async def stream_tasks(ask: Ask, task: Tasks, last_event_id: LastIds = None) -> Response:
    """Follow several tasks over one connection, each from its own cursor, until all have ended."""
    return await _opened(ask, _cursors(task, last_event_id), several=True)


# --8<-- [end:stream]


def _cursors(tasks: list[str], last: str | None) -> dict[UUID, int]:
    named = [TASK.fullmatch(task) for task in tasks]
    wanted = {UUID(one[1]): int(one[3] or 0) for one in named if one}
    if len(wanted) < len(tasks):
        raise Refusal("bad-cursor", "Name each task once, as `ID` or `ID:SEQ`.")
    if last is None:
        return wanted
    if not CURSOR.fullmatch(last) or last.count(".") + 1 != len(tasks):
        raise Refusal("bad-cursor", "Send the last `id` with the same tasks in the same order.")
    return dict(zip(wanted, map(int, last.split(".")), strict=True))


async def _opened(ask: Asked, cursors: dict[UUID, int], *, several: bool) -> Response:
    _refuse_crowds(ask)
    known = {id: ask.hub.known(ask.tenant, id) for id in cursors}
    unsure = [id for id, have in cursors.items() if not (one := known[id]) or have > one.after]
    read = await _read(ask, unsure) if several else {id: await ask.find(id) for id in unsure}
    now = {id: one for id, one in known.items() if one}
    now |= {id: Wanted(id, task.last_seq, task.status.final) for id, task in read.items()}
    at = {id: min(have, now[id].after) for id, have in cursors.items()}
    wanted = [one._replace(after=at[one.id]) for one in now.values()
              if not one.final or at[one.id] < one.after]  # fmt: skip
    lost = [read[id] for id, have in cursors.items() if have > at[id]]
    if not wanted and not lost:
        return Response(status_code=204)
    wire = Several(at) if several else one_task
    opening = b"".join([wire(task.id, [_reset(task, ask.base)]) for task in lost])
    return EventStream(ask.hub, ask.tenant, wanted, wire, opening, _age(ask), ask.still)


async def _read(ask: Asked, ids: list[UUID]) -> dict[UUID, Record]:
    """Several tasks at once; one that is unknown is named, so that its reader can leave it out."""
    found = {task.id: task for task in await ask.run(reads.several, ids)} if ids else {}
    if missing := [str(id) for id in ids if id not in found]:
        errors = [{"field": id, "message": NO_SUCH_TASK} for id in missing]
        raise Refusal("not-found", NO_SUCH_TASK, errors=errors)
    return found


def _reset(task: Record, base: str) -> Frame:
    told = {"head": task.last_seq, "task": monitor(task, base)}
    data = json.dumps(told, separators=(",", ":"))
    wire = f"id: {task.last_seq}\nevent: reset\ndata: {data}\n\n".encode()
    return Frame(task.last_seq, task.status.final, wire)


def _age(ask: Asked) -> float:
    return ask.knobs.stream_age * random.uniform(0.9, 1)  # noqa: S311 - spreads reconnects


# --8<-- [start:crowds]
def _refuse_crowds(ask: Asked) -> None:
    """A stream costs memory: what a process holds and what a tenant gets of it is bounded."""
    if ask.hub.following >= ask.knobs.streams:
        after = {"Retry-After": str(random.randint(2, 10))}  # noqa: S311 - spreads those who wait
        raise Refusal("unavailable", "This process holds all the streams it can. Poll.", after)
    most = ask.knobs.tenant_streams
    if most and ask.hub.following_of(ask.tenant) >= most:
        told = f"At most {most} streams at once. Close some, or poll."
        raise Refusal("too-many-streams", told, {"Retry-After": "10"})


# --8<-- [end:crowds]
