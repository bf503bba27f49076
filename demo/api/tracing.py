"""One span a request, from the caller to the row; none for streams: an hour is no span."""

import time

from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import telemetry


# --8<-- [start:bounded]
class Allowance:
    """So many spans a second, and then none: a flood costs what a calm hour does."""

    def __init__(self, a_second: float) -> None:
        self._a_second = a_second
        self._most = self._left = max(1.0, a_second)
        self._asked = time.monotonic()

    def take(self) -> bool:
        """Whether there is room for one more."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._asked) * self._a_second)
        self._asked = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


# --8<-- [end:bounded]


# --8<-- [start:traced]
class Traced:
    """The HTTP conventions' attributes, without a query string: tokens and names are in there."""

    def __init__(self, app: ASGIApp, a_second: float) -> None:
        self._app = app
        # a sampler of the environment's choice is asked for each request
        chosen = telemetry.left_to_the_environment()
        self._allowance = None if chosen else Allowance(a_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on inside a span that is named by the route, or only with an id."""
        if scope["type"] != "http" or scope["path"].endswith("/stream"):
            await self._app(scope, receive, send)
            return
        parent = Headers(scope=scope).get("traceparent")
        if self._allowance is None or self._allowance.take():
            await self._recorded(parent, scope, receive, send)
            return
        with telemetry.unrecorded(parent):
            await self._app(scope, receive, send)

    async def _recorded(
        self, parent: str | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        status, method = 500, scope["method"]

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with telemetry.span(method, parent, kind=SpanKind.SERVER) as span:
            await self._app(scope, receive, noted)
            route = getattr(scope.get("route"), "path", "")
            span.update_name(f"{method} {route}".rstrip())
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "url.path": scope["path"],
                    "url.scheme": scope["scheme"],
                    "http.response.status_code": status,
                }
            )
            if status >= 500:
                span.set_status(StatusCode.ERROR)


# --8<-- [end:traced]
