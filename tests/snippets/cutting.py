"""A proxy that cuts answers in mid-air, wherever they happen to be."""

import socket
import threading
from urllib.parse import urlsplit

from tests.listening import Listening, end


class CuttingProxy(Listening):
    """Forwards bytes; the answer to a request that `asks` is in is cut after `limit` bytes.

    So are `most` of them; one that its client gave up before it was answered is not counted.
    """

    def __init__(
        self, upstream: str, limit: int, asks: bytes = b"/stream", most: int = 1_000_000
    ) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._limit = limit
        self._asks = asks
        self._left, self._lock = most, threading.Lock()
        self.cuts = 0
        super().__init__()

    def through(self, url: str) -> str:
        """The same resource, asked for through the proxy."""
        return self.url + urlsplit(url).path

    def serve(self, client: socket.socket) -> None:
        """Both ways; what is asked decides whether the answer is cut."""
        upstream, cuts = socket.create_connection(self._upstream), threading.Event()
        threading.Thread(target=self._answer, args=(upstream, client, cuts), daemon=True).start()
        self._ask(client, upstream, cuts)

    def _ask(self, client: socket.socket, upstream: socket.socket, cuts: threading.Event) -> None:
        try:
            while data := client.recv(65_536):
                if self._asks in data.split(b"\r\n", 1)[0] and self._one_more():
                    cuts.set()
                upstream.sendall(data)
        except OSError:
            pass
        finally:
            end(upstream)

    def _one_more(self) -> bool:
        """Whether there is still one to cut."""
        with self._lock:
            more = self._left > 0
            self._left -= more
            return more

    def _answer(
        self, upstream: socket.socket, client: socket.socket, cuts: threading.Event
    ) -> None:
        left = self._limit
        try:
            while data := upstream.recv(65_536):
                if cuts.is_set():
                    data, left = data[:left], left - len(data)
                self.cuts += left <= 0
                client.sendall(data)
                if left <= 0:
                    break
        except OSError:
            pass
        finally:
            if cuts.is_set() and left > 0:  # there was nothing to cut
                with self._lock:
                    self._left += 1
            end(client)
            end(upstream)
