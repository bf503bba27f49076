"""One span a request, from the caller to the row; none for streams: an hour is no span."""

from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import telemetry


# --8<-- [start:traced]
class Traced:
    """The HTTP conventions' attributes, without a query string: tokens and names are in there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on inside a span that is named by the route."""
        if scope["type"] != "http" or scope["path"].endswith("/stream"):
            await self._app(scope, receive, send)
            return
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method, parent = scope["method"], Headers(scope=scope).get("traceparent")
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
