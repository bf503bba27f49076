"""A TCP proxy before PostgreSQL that executes a write and swallows its reply."""

import contextlib
import socket
import threading

from tests.listening import Listening


class Proxy(Listening):
    """Forwards everything until `swallow` is set; then one write runs and its answer is lost."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.swallow = threading.Event()
        self.swallowed = 0
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        """Both ways, each in a thread."""
        cut = threading.Event()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump, args=(server, client, False, cut))
            back.start()
            self._pump(client, server, True, cut)
            back.join()

    def _pump(
        self, source: socket.socket, sink: socket.socket, asks: bool, cut: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if asks and self.swallow.is_set() and b"UPDATE tasks" in data:
                    self.swallow.clear()
                    cut.set()
                elif not asks and cut.is_set():
                    self.swallowed += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
