"""Who may use which route: each one declares its policy, and what declares none is closed."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, APIRouter

from demo.api.auditing import asks
from demo.api.problems import Refusal, base_url
from demo.auth import NOBODY, IssuerAway, Principal, Unauthorized, principal_of
from demo.auth.gate import Gate
from demo.settings import settings

KEY = "x-policy"


# --8<-- [start:policies]
def policy(name: str) -> dict[str, Any]:
    """A route's policy, told in the OpenAPI document as well: `openapi_extra=USER`."""
    security: list[dict[str, list[str]]] = []
    if name != "public":
        security += [{"token": []}, {"session": []}, {}]
    return {KEY: name, "security": security}


PUBLIC = policy("public")  # no tenant, and so no rows: row-level security shows nothing
USER = policy("user")
OPERATOR = policy("operator")
# --8<-- [end:policies]


# --8<-- [start:guard]
async def guard(request: Request) -> Principal:
    """Runs before every path operation; what it returns is on whose behalf that one runs."""
    declared = _declared(request.scope.get("route"))
    gate: Gate | None = request.scope["state"]["gate"]
    at_the_keyboard = None if gate else _at_the_keyboard(request)
    if declared == "public":
        return NOBODY
    principal = at_the_keyboard or await asking(request)
    asks(request.scope, principal)
    if declared not in principal.roles:
        raise Refusal("forbidden", f"That needs the role {declared or 'of nobody'}.")
    return principal


# --8<-- [end:guard]


async def asking(request: Request) -> Principal:
    """Who asks, by token or session.

    Raises:
        Refusal: 401 when nobody does who may; 503 when that can't be known.
    """
    gate: Gate = request.scope["state"]["gate"]
    try:
        if len(request.headers.getlist("authorization")) > 1:
            raise Unauthorized("Send one token.")
        return await gate.principal(request.method, base_url(request), request.headers)
    except Unauthorized as error:
        sent = 'Bearer error="invalid_token"' if "authorization" in request.headers else "Bearer"
        raise Refusal("unauthorized", str(error), {"WWW-Authenticate": sent}) from None
    except IssuerAway as error:
        told = "Who you are can't be checked right now. Try again."
        raise Refusal("unavailable", told, {"Retry-After": "5"}) from error


def _at_the_keyboard(request: Request) -> Principal:
    if principal := principal_of(request.client.host if request.client else None, settings()):
        return principal
    raise Refusal("not-on-loopback", "Without an issuer only this machine may ask.")


def _declared(route: Any) -> str | None:
    declared = (getattr(route, "openapi_extra", None) or {}).get(KEY)
    return declared if declared in ("public", "user", "operator") else None


def undeclared(app: FastAPI) -> list[str]:
    """The operations that say nothing of who may use them."""
    return sorted(route.path for route in operations(app) if not _declared(route))


def operations(app: FastAPI) -> Iterator[APIRoute]:
    """All path operations of an app, included routers' as well."""
    yield from _operations(app.router)


def _operations(router: APIRouter) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif inner := getattr(route, "original_router", None):
            yield from _operations(inner)


Caller = Annotated[Principal, Depends(guard)]
