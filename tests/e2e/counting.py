"""A proxy that counts: it forwards bytes and knows which streams are open, and how many were."""

import re
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from tests.listening import Listening, end

ASKED = re.compile(rb"GET (/stream\?\S*) HTTP/1.1")
REFUSAL = (
    b"HTTP/1.1 %d No\r\nRetry-After: 2\r\nContent-Type: application/problem+json\r\n"
    b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
)


class CountingProxy(Listening):
    """Connections of a browser to a stack; `open_streams` are those that carry one right now."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self.asked: list[str] = []
        self.most = 0
        self.refusing: int | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__()

    @property
    def open_streams(self) -> int:
        """How many connections carry a stream."""
        return len(self._open)

    def cut(self) -> None:
        """End all streams in the middle."""
        for client in list(self._open):
            end(client)

    def serve(self, client: socket.socket) -> None:
        """Both ways, until either side ends it."""
        upstream = socket.create_connection(self._upstream)
        threading.Thread(target=self._answer, args=(upstream, client), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(65_536):
                found = ASKED.match(data)
                if found and self.refusing:
                    client.sendall(REFUSAL % self.refusing)
                    break
                self._note(client, found)
                upstream.sendall(data)
        self._forget(client)
        end(upstream)
        end(client)

    def _note(self, client: socket.socket, found: re.Match[bytes] | None) -> None:
        with self._lock:
            self._open.discard(client)  # a connection carries one answer at a time
            if found:
                self.asked.append(found[1].decode())
                self._open.add(client)
                self.most = max(self.most, len(self._open))

    def _forget(self, client: socket.socket) -> None:
        with self._lock:
            self._open.discard(client)

    def _answer(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := upstream.recv(65_536):
                client.sendall(data)
        self._forget(client)
        end(client)
        end(upstream)
