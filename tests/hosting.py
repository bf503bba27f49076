"""A static web host on loopback that knows nothing of the demo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Host(ThreadingHTTPServer):
    """A browser opens many connections at once: none of them waits to be refused."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def hosted(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with a handler; yields the URL of its root, without a slash."""
    made: Any = handler
    with Host(("127.0.0.1", 0), made) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
