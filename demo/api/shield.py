"""The outermost layer: no other web page drives the API, and no body reaches a parser unchecked."""

import asyncio
import re
from contextlib import nullcontext
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.api.auditing import note
from demo.api.connections import WHOLE
from demo.api.eventstream import UNWOUND
from demo.api.policies import CORS, PREFLIGHT, security_headers
from demo.api.problems import Refusal, problem
from demo.settings import Settings

SAFE = {"GET", "HEAD", "OPTIONS"}
UPLOAD = re.compile("/uploads/[^/]+")
VARY = (b"vary", b"Origin")  # beside the answer's own
BODY_SECONDS = 10
OPENING = 4  # streams at once: thousands that come back let other requests through


class Shield:
    """Checks a request before anything else sees it, and adds headers to every answer."""

    def __init__(self, app: ASGIApp, knobs: Settings) -> None:
        self._app = app
        self._knobs = knobs
        self._hosts = {host.lower() for host in knobs.allowed_hosts}
        self._door = asyncio.Semaphore(OPENING)
        names = filter(None, map(str.strip, knobs.trusted_proxies.split(",")))
        self._proxies = [ip_network(name) for name in names]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a sound request on; answer any other with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._believe_proxy(scope)
        headers = Headers(scope=scope)
        own = f"{scope['scheme']}://{headers.get('host', '')}"
        scope["audit"] = {}
        app, sealed = self._app, self._sealed(scope, headers.get("origin"), send)
        try:
            self._check_host(headers)
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                app = self._preflight(headers.get("origin"))
            elif scope["method"] not in SAFE:
                self._check_origin(headers, own)
                if not _is_upload(scope):
                    receive = await self._bounded(headers, receive, WHOLE in scope)
            else:
                self._check_reader(headers)
        except Refusal as refusal:
            app = problem(refusal, "" if refusal.slug == "wrong-host" else own, scope["path"])
        if scope["method"] == "HEAD" and not scope["path"].endswith("/stream"):
            scope = {**scope, "method": "GET"}  # the server drops the body (RFC 9110, 9.3.2)
        unwound: list[ASGIApp] = []
        async with self._door if scope["path"].endswith("/stream") else nullcontext():
            await app({**scope, UNWOUND: unwound}, receive, sealed)
        for stream in unwound:
            await stream(scope, receive, sealed)

    def _sealed(self, scope: Scope, origin: str | None, send: Send) -> Send:
        """Every answer says what a browser may do with it; a refusal is noted."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                seal = security_headers(scope, self._knobs.site)
                missing = (pair for pair in seal if pair[0] not in given)
                message["headers"] = [*message["headers"], VARY, *missing]
                if origin and origin == self._knobs.docs_origin:
                    told = {"Access-Control-Allow-Origin": origin, **CORS}
                    MutableHeaders(scope=message).update(told)
                note(scope, message["status"], self._knobs.refusals_a_second)
            await send(message)

        return sealed

    # --8<-- [start:host]
    def _check_host(self, headers: Headers) -> None:
        """A page that points its own name at 127.0.0.1 still sends that name."""
        hosts = headers.getlist("host")
        name = hosts[0].lower() if len(hosts) == 1 else ""
        if name.rsplit(":", 1)[0] not in self._hosts and name not in self._hosts:
            raise Refusal("wrong-host", "Ask by a name in DEMO_ALLOWED_HOSTS.")

    # --8<-- [end:host]

    # --8<-- [start:origin]
    def _check_origin(self, headers: Headers, own: str) -> None:
        """Browsers say who sends a POST; programs say nothing and are let through."""
        origin = headers.get("origin")
        if origin in {own, self._knobs.docs_origin} and origin:
            return
        if origin or headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise Refusal("cross-site", "Only this server's own pages may do that.")

    # --8<-- [end:origin]

    # --8<-- [start:reader]
    def _check_reader(self, headers: Headers) -> None:
        """Another page may link here; what it would embed or load is not even computed."""
        if headers.get("sec-fetch-site") not in {"cross-site", "same-site"}:
            return
        origin, mode = headers.get("origin"), headers.get("sec-fetch-mode")
        linked = mode == "navigate" and headers.get("sec-fetch-dest") == "document"
        if not linked and not (origin and origin == self._knobs.docs_origin):
            raise Refusal("cross-site", "Only this server's own pages may read that.")

    # --8<-- [end:reader]

    def _preflight(self, origin: str | None) -> ASGIApp:
        if not origin or origin != self._knobs.docs_origin:
            raise Refusal("cross-site", "Set DEMO_DOCS_ORIGIN to let one other origin in.")
        return Response(None, 204, PREFLIGHT)

    # --8<-- [start:body]
    async def _bounded(self, headers: Headers, receive: Receive, whole: bool) -> Receive:
        """Read the body, never more than the limit, and only if it is JSON."""
        limit = self._knobs.body_limit
        too_large = Refusal("too-large", f"At most {limit} bytes.", {"Connection": "close"})
        if int(headers.get("content-length", 0)) > limit:
            raise too_large
        body, more = b"", True
        try:
            async with nullcontext() if whole else asyncio.timeout(BODY_SECONDS):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal("malformed-request", "The body ended early.")
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limit:
                        raise too_large
        except TimeoutError:
            raise Refusal("too-slow", "Send it at once.", {"Connection": "close"}) from None
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if body and (media_type != "application/json" or "content-encoding" in headers):
            raise Refusal("not-json", "Send `Content-Type: application/json`, not compressed.")
        return _replaying(body, receive)

    # --8<-- [end:body]

    def _believe_proxy(self, scope: Scope) -> None:
        """Take scheme and host from a trusted proxy's headers, from nobody else's."""
        client = scope.get("client")
        if not client or not any(ip_address(client[0]) in proxy for proxy in self._proxies):
            return
        headers = MutableHeaders(scope=scope)
        if headers.get("x-forwarded-proto") in {"http", "https"}:
            scope["scheme"] = headers["x-forwarded-proto"]
        if host := headers.get("x-forwarded-host"):
            headers["host"] = urlsplit(f"//{host}").netloc


def _is_upload(scope: Scope) -> bool:
    """Its own route bounds it, by the slot's size."""
    return UPLOAD.fullmatch(scope["path"]) is not None


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
