"""One reading of a request or none, and no head that is endless or never ends."""

import asyncio
from typing import Any, cast

from httptools import HttpParserError

from demo.api.sockets import Protocol

HEAD_LIMIT = 65_536
HEAD_SECONDS = 10
WHOLE = "demo.whole"  # in a scope: its body is there


class Ambiguous(HttpParserError):
    """Another server might read this request differently; uvicorn answers 400 and closes."""


# --8<-- [start:connections]
class Connection(Protocol):
    """uvicorn's connection: its parser is strict, but bounds neither a head's size nor its time."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _size = 0

    def connection_made(self, transport: Any) -> None:
        """The first head has its time from here."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is timed any more."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bounds what is not yet a head, and what follows an answer without being one."""
        if self.cycle is None or self.cycle.response_complete:
            self._arm()
        super().data_received(data)
        self._size += len(data) if self._in_head else 0
        if self._size > HEAD_LIMIT and not self.transport.is_closing():
            self.send_400_response("The head is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._size = True, 0
        self._arm()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Only one coding is understood by everybody in the same way."""
        super().on_header(name, value)
        self._size += len(name) + len(value) + 4
        if self._size > HEAD_LIMIT:
            raise Ambiguous("the head is too large")
        if name.lower() == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise Ambiguous("a coding other than chunked")

    def on_headers_complete(self) -> None:
        """The head is whole: its time ends, its form is judged."""
        self._disarm()
        self._in_head, self._size = False, 0
        coded = any(name == b"transfer-encoding" for name, _ in self.headers)
        if coded and self.parser.get_http_version() != "1.1":
            raise Ambiguous("HTTP/1.0 knows no chunks")
        if not self.url.startswith(b"/"):
            raise Ambiguous("a target that is not a path names a second host")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole: nobody needs to time it, which costs more than reading it."""
        cast(dict[str, Any], self.scope)[WHOLE] = True
        super().on_message_complete()

    # --8<-- [end:connections]

    def _arm(self) -> None:
        if self._timer is None:
            loop: Any = asyncio.get_running_loop()
            self._timer = loop.call_later(HEAD_SECONDS, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        self.transport.close()
