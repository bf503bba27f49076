"""The UI's own back door to the issuer: sign in, who am I, sign out; and who is shut out."""

import re
import time
from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from demo.api.access import OPERATOR, PUBLIC, asking
from demo.api.dependencies import Ask, Asked
from demo.api.problems import Refusal
from demo.auth import IssuerAway, Unauthorized
from demo.auth.gate import Gate, cookies
from demo.auth.sessions import SESSION, SIGN_IN, SIGN_IN_SECONDS
from demo.auth.signing_in import SignIn
from demo.store.revoking import revoke

router = APIRouter(prefix="/session", include_in_schema=False)
revocations = APIRouter(prefix="/revocations", tags=["operators"])
T = TypeVar("T")
OWN_PATH = re.compile(r"/(guide/[\w/.-]*|#/[\w/?=&-]*)?")  # never another host
LONGEST_TOKEN = 86_400.0  # what was issued longer ago has ended by itself
FRESH = {"Cache-Control": "no-store"}


@router.get("", openapi_extra=PUBLIC)
async def get_session(request: Request, ask: Ask) -> Response:
    """Who the UI is talking for, and where to sign in if for nobody."""
    told: dict[str, Any] = {"sign_in": None, "name": None, "tenant": None, "roles": []}
    if ask.gate:
        told["sign_in"] = "/session/sign-in" if ask.knobs.client_id else None
        try:
            caller = await asking(request)
        except Refusal:
            return JSONResponse(told, headers=FRESH)
        told |= {"name": caller.name, "tenant": caller.tenant, "roles": sorted(caller.roles)}
    return JSONResponse(told, headers=FRESH)


@router.get("/sign-in", openapi_extra=PUBLIC)
async def begin_sign_in(ask: Ask, to: Annotated[str, Query()] = "/") -> Response:
    """Send the browser to the issuer."""
    begun = await _told(_sign_in(ask).begin(to if OWN_PATH.fullmatch(to) else "/"))
    answer = RedirectResponse(begun.address, 303, FRESH)
    _set(answer, SIGN_IN, begun.cookie, SIGN_IN_SECONDS, same_site="lax")  # the issuer links back
    return answer


@router.get("/callback", openapi_extra=PUBLIC)
async def finish_sign_in(
    request: Request, ask: Ask, state: str = "", code: str = "", iss: str = ""
) -> Response:
    """Back from the issuer: a session for whoever signed in. The code is worth nothing twice."""
    begun = cookies(request.headers).get(SIGN_IN, "")
    principal, to = await _told(_sign_in(ask).finish(begun, state, code, iss))
    answer = RedirectResponse(to, 303, FRESH)
    seals = _gate(ask).seals
    _set(answer, SESSION, seals.session(principal), principal.expires - time.time())
    _set(answer, SIGN_IN, "", 0, same_site="lax")
    return answer


@router.post("/sign-out", openapi_extra=PUBLIC)
async def sign_out(request: Request, ask: Ask) -> Response:
    """End the session, in this browser and, within the poll, for its open streams."""
    answer = Response(None, 204, FRESH)
    if ask.gate and (
        principal := ask.gate.seals.principal(cookies(request.headers).get(SESSION, ""))
    ):
        left = max(1, principal.expires - time.time())
        await ask.run(revoke, principal.tenant, "session", principal.session, seconds=left)
    _set(answer, SESSION, "", 0)
    return answer


class Revocation(BaseModel):
    """Whom to shut out."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(description="The `oid` of their tokens.", min_length=1, max_length=200)


@revocations.post("", status_code=204, openapi_extra=OPERATOR)
async def revoke_subject(ask: Ask, revocation: Annotated[Revocation, Body()]) -> Response:
    """Shut somebody out: all their tokens and sessions so far are worth nothing from now on."""
    await ask.run(revoke, ask.tenant, "subject", revocation.subject, seconds=LONGEST_TOKEN)
    return Response(None, 204, FRESH)


def _gate(ask: Asked) -> Gate:
    if ask.gate is None or not ask.knobs.client_id:
        raise Refusal("not-found", "There is no sign-in here.")
    return ask.gate


def _sign_in(ask: Asked) -> SignIn:
    return SignIn(_gate(ask), ask.knobs, f"{ask.base}/session/callback")


async def _told(going: Awaitable[T]) -> T:
    try:
        return await going
    except Unauthorized as error:
        raise Refusal("unauthorized", str(error)) from None
    except IssuerAway as error:
        raise Refusal("unavailable", "The issuer does not answer.", {"Retry-After": "5"}) from error


def _set(answer: Response, name: str, text: str, seconds: float, same_site: Any = "strict") -> None:
    answer.set_cookie(
        name, text, max_age=int(seconds), path="/", secure=True, httponly=True, samesite=same_site
    )
