"""Every refusal as RFC 9457 problem details, with types that resolve to a page of the guide."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from demo.contract import KINDS, Problem

PAGE = "/guide/reference/problems/"

# --8<-- [start:problems]
PROBLEMS: dict[str, tuple[int, str]] = {
    "malformed-request": (400, "The request cannot be read"),
    "bad-cursor": (400, "Not a position of this list"),
    "bad-idempotency-key": (400, "Not an idempotency key"),
    "unauthorized": (401, "Sign in first"),
    "cross-site": (403, "Refused for another web site"),
    "not-on-loopback": (403, "Open on loopback only"),
    "forbidden": (403, "Not with this role"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Not possible here"),
    "too-slow": (408, "The body did not arrive in time"),
    "already-final": (409, "The task has ended"),
    "not-final": (409, "The task has not ended"),
    "task-failed": (409, "The task failed"),
    "task-canceled": (409, "The task was canceled"),
    "settled": (409, "Dealt with already"),
    "key-in-flight": (409, "The same request is under way"),
    "wrong-offset": (409, "The upload goes on elsewhere"),
    "upload-complete": (409, "The upload is complete"),
    "upload-incomplete": (409, "The upload is not complete"),
    "direct-upload": (409, "The bytes go to the blob store"),
    "busy": (409, "Another request is changing this"),
    "gone": (410, "Older than the retention"),
    "too-large": (413, "The body is too large"),
    "not-json": (415, "JSON only"),
    "wrong-host": (421, "Not a name of this server"),
    "invalid-input": (422, "The input is not valid"),
    "digest-mismatch": (422, "Not the bytes that were declared"),
    "upload-not-usable": (422, "No upload that a task may use"),
    "key-reused": (422, "The key belongs to another request"),
    "too-many-streams": (429, "Too many open streams"),
    "too-many-uploads": (429, "Too many uploads"),
    "too-many-open": (429, "Too many open tasks"),
    "rate-limited": (429, "Too many submissions"),
    "internal": (500, "An error on our side"),
    "overloaded": (503, "Too much to do right now"),
    "unavailable": (503, "Not available right now"),
}
# --8<-- [end:problems]

NO_KIND = {"union_tag_invalid", "union_tag_not_found"}
TAGS = {(name,) for name in KINDS}  # pydantic puts the union's tag into a field's place


@dataclass
class Refusal(Exception):
    """Raised anywhere in a request; answered as a problem."""

    slug: str
    detail: str
    headers: Mapping[str, str] | None = None
    errors: list[dict[str, Any]] | None = None


def problem(refusal: Refusal, base: str, path: str) -> Response:
    """The answer to a refused request; ASCII only, so that no input can break the encoding."""
    status, title = PROBLEMS[refusal.slug]
    body = Problem(
        type=problem_type(base, refusal.slug),
        title=title,
        status=status,
        detail=refusal.detail,
        instance=path,
        errors=refusal.errors,
    )
    told = json.dumps(body.model_dump(exclude_none=True))
    headers = {"Cache-Control": "no-store", **(refusal.headers or {})}
    return Response(told, status, headers, "application/problem+json")


def problem_type(base: str, slug: str) -> str:
    """The page that explains a problem; also for the errors of failed tasks."""
    return f"{base}{PAGE}#{slug.replace('_', '-')}"


def base_url(request: Request) -> str:
    """Scheme and host as the client sees them; the shield has checked both."""
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"


def invalid(found: Any) -> Refusal:
    """What is wrong with each field; the input itself is never sent back."""
    if any(entry["type"] == "json_invalid" for entry in found):
        return Refusal("malformed-request", "The body is not JSON.")
    errors = [_error(entry) for entry in found[:20]]
    fields = ", ".join(sorted({entry["field"] for entry in errors if entry["field"]}))
    return Refusal("invalid-input", f"Check {fields or 'the body'}.", errors=errors)


def _error(entry: Mapping[str, Any]) -> dict[str, str]:
    if entry["type"] in NO_KIND:
        return {"field": "kind", "message": f"The kind must be one of: {', '.join(KINDS)}"}
    place = entry["loc"][1:]  # after "body" or "query"
    names = place[1:] if place[:1] in TAGS else place
    return {
        "field": ".".join(str(name)[:80] for name in names),
        "message": str(entry["msg"])[:200],
    }


def _refusal(request: Request, error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case RequestValidationError():
            return invalid(error.errors())
        case HTTPException(status_code=404):
            return Refusal("not-found", "There is nothing at this address.")
        case HTTPException(status_code=405):
            allowed = ", ".join(sorted(request.app.allowed(request.url.path)))
            headers = {"Allow": allowed} if allowed else error.headers
            return Refusal("method-not-allowed", f"{request.method} is not possible.", headers)
        case HTTPException(status_code=status) if status < 500:
            return Refusal("malformed-request", str(error.detail), error.headers)
    told = "The error was logged. Trying again may help."
    return Refusal("internal", told, {"Connection": "close"})


async def answer(request: Request, error: Exception) -> Response:
    """Any error as a problem."""
    return problem(_refusal(request, error), base_url(request), request.url.path)


def install(app: FastAPI) -> None:
    """Answer every error of an app as a problem."""
    for known in (Refusal, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(known, answer)
