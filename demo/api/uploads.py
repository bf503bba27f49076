"""Claim check: a slot for large data, which then never passes through a request to `/tasks`."""

import asyncio
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Path, Request
from starlette.responses import JSONResponse, Response

from demo.api.access import USER
from demo.api.dependencies import UUID_FORM, Ask, Asked, Id
from demo.api.problems import Refusal
from demo.api.receiving import asked_range, receive, received
from demo.blobs import task_key, upload_key
from demo.contract import PermanentFailure, Slot, SlotRequest, Transfer, TransientFailure
from demo.store import uploads
from demo.store.uploads import Uploaded

P = ParamSpec("P")
T = TypeVar("T")
router = APIRouter(tags=["uploads"])
NO_SUCH_UPLOAD = "There is no such upload."  # the same words for another tenant's
SIGNED_SECONDS = 3600
BINARY = {"schema": {"type": "string", "format": "binary"}}
BYTES = {"content": {"application/octet-stream": BINARY}}
RANGE_HEADER = Header(description="`bytes FIRST-LAST/SIZE`: which bytes the body is.")


async def _blob(function: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """Ask the store beside the event loop; its troubles become answers."""
    try:
        return await asyncio.to_thread(function, *args, **kw)
    except PermanentFailure as failure:
        raise Refusal("gone", str(failure)) from failure
    except TransientFailure as failure:
        raise Refusal("unavailable", str(failure), {"Retry-After": "2"}) from failure


async def found(
    ask: Ask,
    id: Annotated[str, Path(description="The slot's id.", json_schema_extra={"format": "uuid"})],
) -> Uploaded:
    """The tenant's slot; any other id names nothing."""
    slot = await ask.run(uploads.get, UUID(id)) if UUID_FORM.fullmatch(id) else None
    if slot is None:
        raise Refusal("not-found", NO_SUCH_UPLOAD)
    return slot


Found = Annotated[Uploaded, Depends(found)]


# --8<-- [start:slot]
@router.post("/uploads", status_code=201, openapi_extra=USER)
async def open_upload(wanted: Annotated[SlotRequest, Body()], ask: Ask) -> Response:
    """Ask for a place for one upload; the answer says where the bytes go."""
    if wanted.size > ask.knobs.upload_limit:
        raise Refusal("too-large", f"An upload has at most {ask.knobs.upload_limit} bytes.")
    slot = await ask.run(
        uploads.open_slot,
        size=wanted.size,
        sha256=wanted.sha256,
        seconds=ask.knobs.upload_seconds,
        most=ask.knobs.upload_slots,
    )
    if slot is None:
        raise Refusal("too-many-uploads", "Wait until some of yours have expired.")
    return await _shown(ask, slot, 201)


# --8<-- [end:slot]


@router.get("/uploads/{id}", openapi_extra=USER)
async def get_upload(slot: Found, ask: Ask) -> Response:
    """How much has arrived: after a cut, the place to go on from."""
    return await _shown(ask, slot)


# --8<-- [start:put]
@router.put("/uploads/{id}", openapi_extra={**USER, "requestBody": BYTES})
async def put_upload(
    slot: Found,
    ask: Ask,
    request: Request,
    content_range: Annotated[str | None, RANGE_HEADER] = None,
) -> Response:
    """Send the bytes, all of them or, by `Content-Range`, those still missing."""
    if slot.complete:
        raise Refusal("upload-complete", "Open another slot.", {"Connection": "close"})
    if ask.blobs.folder is None:
        raise Refusal("direct-upload", "Send to the slot's own URL.", {"Connection": "close"})
    place = ask.blobs.folder / upload_key(ask.tenant, slot.id)
    wanted = asked_range(content_range, slot.size)
    if await receive(request, place, wanted, slot, ask.knobs.upload_pause):
        slot = await _completed(ask, slot)
    return await _shown(ask, slot)


# --8<-- [end:put]


@router.post("/uploads/{id}/complete", openapi_extra=USER)
async def complete_upload(slot: Found, ask: Ask) -> Response:
    """Say that all bytes are there; only a signed URL needs it."""
    return await _shown(ask, slot if slot.complete else await _completed(ask, slot))


# --8<-- [start:complete]
async def _completed(ask: Asked, slot: Uploaded) -> Uploaded:
    """The blob as it is now, of the size that was promised, is the upload from here on."""
    key = upload_key(ask.tenant, slot.id)
    try:
        blob = await asyncio.to_thread(ask.blobs.head, key)
    except PermanentFailure:
        raise Refusal("upload-incomplete", "The bytes are not all there.") from None
    except TransientFailure as failure:
        raise Refusal("unavailable", str(failure), {"Retry-After": "2"}) from failure
    if blob.size != slot.size:
        raise Refusal("upload-incomplete", f"{blob.size} of {slot.size} bytes are there.")
    return await ask.run(uploads.complete, slot.id, blob.etag) or await found(ask, str(slot.id))


# --8<-- [end:complete]


# --8<-- [start:report]
@router.get("/tasks/{id}/report", openapi_extra=USER)
async def get_task_report(id: Id, ask: Ask) -> Response:
    """The report that a task's result refers to."""
    task = await ask.find(id)
    told = task.result.get("report") if isinstance(task.result, dict) else None
    if not told:
        raise Refusal("not-found", "The task has no report.")
    key = task_key(ask.tenant, task.id, told["name"])
    body = await _blob(ask.blobs.read, key, 0, told["bytes"])
    named = {"Content-Disposition": f'attachment; filename="profile-{task.id}.json"'}
    return Response(body, 200, {"Cache-Control": "no-store", **named}, "application/json")


# --8<-- [end:report]


async def _shown(ask: Asked, slot: Uploaded, status: int = 200) -> Response:
    here = f"{ask.base}/uploads/{slot.id}"
    have = slot.size if slot.complete else await asyncio.to_thread(_received, ask, slot)
    shown = Slot(
        id=slot.id,
        status="complete" if slot.complete else "open",
        size=slot.size,
        received=have,
        sha256=slot.sha256,
        created=slot.created,
        expires=slot.expires,
        transfer=None if slot.complete else await _transfer(ask, slot, here),
    )
    headers = {
        "Location": here,
        "Cache-Control": "no-store",
        "Upload-Offset": str(have),
        "Upload-Complete": "?1" if slot.complete else "?0",
    }
    return JSONResponse(shown.model_dump(mode="json"), status, headers)


def _received(ask: Asked, slot: Uploaded) -> int:
    folder = ask.blobs.folder
    return received(folder / upload_key(ask.tenant, slot.id)) if folder else 0


async def _transfer(ask: Asked, slot: Uploaded, here: str) -> Transfer:
    if ask.blobs.folder is not None:
        return Transfer(url=here, headers={"Content-Type": "text/csv"}, resumable=True)
    key = upload_key(ask.tenant, slot.id)
    url, headers = await _blob(ask.blobs.signed, key, SIGNED_SECONDS)
    return Transfer(url=url, headers=headers, resumable=False)
