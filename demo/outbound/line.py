"""Sockets under httpcore: each operation ends at the request's deadline, each byte is counted."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

from httpcore import NetworkBackend, NetworkStream

from demo.contract import PermanentFailure
from demo.outbound.guard import Guard, Target


# --8<-- [start:deadline]
class Deadline:
    """Total time and bytes of one request; a time-out per read would let a slow drip run on."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._until = time.monotonic() + seconds
        self._bytes_left = limit

    def seconds(self) -> float:
        """What is left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def count(self, data: bytes) -> bytes:
        """Pass on what was read, as long as it is within the bound."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise PermanentFailure("body_too_large", "The answer is larger than the demo reads.")
        return data


# --8<-- [end:deadline]


class Line(NetworkStream):
    """A connected socket, plain or TLS."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`; httpcore's own time-out doesn't count."""
        self._socket.settimeout(self._deadline.seconds())
        return self._deadline.count(self._socket.recv(max_bytes))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, or an error."""
        self._socket.settimeout(self._deadline.seconds())
        self._socket.sendall(buffer)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """Shake hands under the name that was asked for, not the address that was dialled."""
        try:
            self._socket.settimeout(self._deadline.seconds())
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return Line(wrapped, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Nothing that httpcore needs for one request a connection."""


# --8<-- [start:backend]
class GuardedBackend(NetworkBackend):
    """Where httpcore opens its connection: the guard decides, whoever asked for whatever URL."""

    def __init__(self, guard: Guard, target: Target, deadline: Deadline) -> None:
        self._connect: Callable[[], socket.socket] = lambda: guard.connect(target, deadline.seconds)
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Connect to the target, which is the only host this backend knows."""
        return Line(self._connect(), self._deadline)


# --8<-- [end:backend]
