"""The short way for hot operations, past the layers that serve all others."""

from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.api import problems
from demo.api.direct import Direct


# --8<-- [start:express]
class Express:
    """Serves direct routes itself, hands everything else on."""

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self._app = app
        self._hot = [route for route in routes if isinstance(route, Direct) and route.direct]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on; an error that nobody expected is the server's to log."""
        route = self._find(scope) if scope["type"] == "http" else None
        if route is None or route.direct is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await route.direct(request)
        except Exception as error:
            refused = await problems.answer(request, error)
            await refused(scope, receive, send)
            if refused.status_code == 500:
                raise
        else:
            await response(scope, receive, send)

    def _find(self, scope: Scope) -> Direct | None:
        for route in self._hot:
            found = route.path_regex.match(scope["path"])
            if found and scope["method"] in (route.methods or ()):
                scope["route"], scope["path_params"] = route, found.groupdict()
                return route
        return None


# --8<-- [end:express]
