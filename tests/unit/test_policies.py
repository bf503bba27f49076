"""No route opens by being forgotten."""

import asyncio
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.api import health, problems
from demo.api.access import KEY, OPERATOR, PUBLIC, USER, guard, operations, undeclared
from demo.api.app import create_app


@pytest.mark.claim("identity.every-route")
def test_every_route_says_who_may_use_it() -> None:
    app = create_app()
    assert len(list(operations(app))) > 10
    assert undeclared(app) == []
    told = {
        (path, method): operation[KEY]
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert told["/tasks", "post"] == "user"
    assert told["/readyz", "get"] == "public"


@pytest.mark.claim("identity.closed")
@pytest.mark.parametrize("declared", [{}, {"openapi_extra": {KEY: "anyone"}}])
def test_a_route_that_says_nothing_stops_the_start_and_answers_nobody(
    declared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.router, "routes", list(health.router.routes))
    health.router.get("/forgotten", **declared)(lambda: {})
    with pytest.raises(LookupError, match="/forgotten"):
        create_app()


class OpenLoopback:
    """The state of an app without an issuer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "state": {"gate": None}}, receive, send)


def test_the_guard_itself_answers_nobody_without_a_policy() -> None:
    app = FastAPI(dependencies=[Depends(guard)])
    app.add_middleware(OpenLoopback)
    problems.install(app)
    for name, declared in {"a": {}, "b": {"openapi_extra": USER}, "c": {"openapi_extra": PUBLIC},
                           "d": {"openapi_extra": OPERATOR}}.items():  # fmt: skip
        app.get(f"/{name}", **declared)(lambda: {})

    async def asked() -> list[int]:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client:
            return [(await client.get(f"/{name}")).status_code for name in "abcd"]

    assert asyncio.run(asked()) == [403, 200, 200, 200]
