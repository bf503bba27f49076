"""Two far sides: one remembers the keys of what it booked, one books whatever it is sent."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

Receipt = dict[str, int]


# --8<-- [start:honours]
class Honours:
    """Books a key once; whoever sends it again gets the first receipt."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self._receipts: dict[str, Receipt] = {}
        self._lock = Lock()

    def charge(self, key: str) -> Receipt:
        """The look and the booking are one: in a database, a unique index."""
        with self._lock:
            if key not in self._receipts:
                self.booked.append(key)
                self._receipts[key] = {"number": len(self.booked)}
            return self._receipts[key]


# --8<-- [end:honours]


# --8<-- [start:ignores]
class Ignores:
    """Books whatever it is sent."""

    def __init__(self) -> None:
        self.booked: list[str] = []

    def charge(self, key: str) -> Receipt:
        """Nobody looks at the key."""
        self.booked.append(key)
        return {"number": len(self.booked)}


# --8<-- [end:ignores]


def serve(
    far_side: Honours | Ignores, before_answer: Callable[[], None] = lambda: None
) -> ThreadingHTTPServer:
    """A server on a free port of loopback; `before_answer` runs when the charge is booked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            receipt = far_side.charge(self.headers["Idempotency-Key"])
            before_answer()
            body = json.dumps(receipt).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
