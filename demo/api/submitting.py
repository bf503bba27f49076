"""Changing tasks: submit, cancel, retry. 202 only after COMMIT, the wake-up only after that."""

import hashlib
import json
import re
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from demo import telemetry
from demo.api.access import USER
from demo.api.dependencies import Ask, Asked, Id
from demo.api.direct import Direct
from demo.api.monitor import accepted
from demo.api.preferring import Wish, Wished
from demo.api.problems import Refusal
from demo.contract import KINDS, PRIORITY, Status, Submission
from demo.store import submitting, uploads
from demo.store.records import Record

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=Direct)
KEY = re.compile(r'"([ !#-\[\]-~]{1,255})"|([!#-\[\]-~]{1,255})')
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
FORM = {"pattern": f"^({KEY.pattern})$"}


async def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(description="Yours, one for each intent; quoted or bare.", json_schema_extra=FORM),
    ] = None,
    operation_id: Annotated[
        str | None, Header(description="Another spelling of it.", json_schema_extra=FORM)
    ] = None,
) -> str | None:
    """The key that makes a repeated request answer the same task."""
    given = {name for name in (idempotency_key, operation_id) if name is not None}
    matches = [KEY.fullmatch(name) for name in given]
    keys = {match[1] or match[2] for match in matches if match}
    if len(keys) != min(1, len(given)) or not all(matches):
        raise Refusal("bad-idempotency-key", "One key of 1 to 255 visible ASCII characters.")
    return keys.pop() if keys else None


Key = Annotated[str | None, Depends(idempotency_key)]


# --8<-- [start:post]
@router.post("", openapi_extra=USER, status_code=202)
async def submit_task(
    submission: Annotated[Submission, Body()], ask: Ask, key: Key, wish: Wished
) -> Response:
    """Submit a task. A 202 is a promise: the task outlives any crash from here on."""
    input = submission.input.model_dump(mode="json")
    terms = submission.model_dump(include={"priority", "deadline"}, exclude_defaults=True)
    return await _submit(ask, wish, submission.kind, input, terms, key)


# --8<-- [end:post]


@router.post("/{id}/cancel", openapi_extra=USER)
async def cancel_task(id: Id, ask: Ask) -> Response:
    """Cancel a task. Once this answers 2xx, the task will not succeed."""
    if task := await ask.run(submitting.cancel, id):
        ask.announcer.announce(task)
    else:
        task = await ask.find(id)
        if task.status.final:
            raise Refusal("already-final", f"It is {task.status}.")
    return accepted(task, ask.base, {})


class Again(BaseModel):
    """What to change; without it the same input is used."""

    model_config = ConfigDict(extra="forbid")

    input: dict[str, Any] | None = None


@router.post("/{id}/retry", openapi_extra=USER, status_code=202)
async def retry_task(
    id: Id, ask: Ask, key: Key, wish: Wished, again: Again | None = None
) -> Response:
    """Submit a new task like a failed or canceled one, which stays as it is."""
    old = await ask.find(id)
    if not old.status.final:
        raise Refusal("not-final", f"It is {old.status}.")
    if old.status is Status.SUCCEEDED:
        raise Refusal("already-final", "It succeeded.")
    input = checked(old, again.input) if again and again.input is not None else old.input
    terms = {"priority": old.priority} if old.priority != PRIORITY else {}
    return await _submit(ask, wish, old.kind, input, terms, key, retry_of=id)


async def _submit(
    ask: Asked,
    wish: Wish,
    kind: str,
    input: dict[str, Any],
    terms: dict[str, Any],
    key: str | None,
    retry_of: UUID | None = None,
) -> Response:
    new = submitting.Wanted(
        kind,
        input,
        **terms,
        traceparent=telemetry.traceparent(),
        retry_of=retry_of,
        key=key,
        fingerprint=_fingerprint(kind, input, retry_of, *([terms] if terms else [])) if key else "",
        key_days=min(ask.knobs.key_days, ask.knobs.retention_days),
    )
    await ask.door.knock()
    made = await _made(ask, new)
    headers = {"Idempotent-Replayed": "true"} if made.replayed else {}
    if made.expires:
        headers["Idempotency-Key-Expires"] = format_datetime(made.expires, usegmt=True)
    task = await wish.granted(made.task)
    return accepted(task, ask.base, headers | wish.headers(task))


async def _made(ask: Asked, new: submitting.Wanted) -> submitting.Submitted:
    try:
        made = await _inserted(ask, new)
    except uploads.NotUsable as nothing:
        raise Refusal("upload-not-usable", "No complete upload of yours has this id.") from nothing
    except submitting.KeyReused as reused:
        raise Refusal("key-reused", "Take a new key for a new request.") from reused
    except Refusal as refused:
        if new.key and refused.slug == "busy":
            refused.slug = "key-in-flight"
        raise
    if not made.replayed:
        ask.announcer.nudge()
    return made


async def _inserted(ask: Asked, new: submitting.Wanted) -> submitting.Submitted:
    if "upload" in new.input:  # its row is held in the same transaction
        return await ask.run(submitting.insert, new, ask.batches.quota)
    if made := await ask.submit(new):
        return made
    return await ask.run(submitting.replay, str(new.key), new.fingerprint)


def _fingerprint(*request: Any) -> str:
    return hashlib.sha256(CANONICAL.encode(request).encode()).hexdigest()


def checked(old: Record, input: dict[str, Any]) -> dict[str, Any]:
    """The input of a retry, as strictly read as that of a submit."""
    try:
        return KINDS[old.kind].input.model_validate(input).model_dump(mode="json")
    except ValidationError as wrong:
        found = [{**entry, "loc": ("body", "input", *entry["loc"])} for entry in wrong.errors()]
        raise RequestValidationError(found) from wrong
