"""Hold connections open as cheaply as possible: say nothing, or one byte at a time.

python snippets/attacks/slow_clients.py http://127.0.0.1:8001
"""

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

HEAD = b"POST /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"

# --8<-- [start:clients]
CLIENTS = (
    ("says nothing", b"", b""),
    ("an empty line at a time", b"", b"\r\n"),
    ("half a head, then a header at a time", HEAD, b"X: y\r\n"),
    ("half a head, then a byte at a time", HEAD + b"X: ", b"y"),
    ("a body a byte at a time", HEAD + b"Content-Length: 60000\r\n\r\n", b" "),
    ("a chunk at a time", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ("a second request that never ends", b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"G"),
)
# --8<-- [end:clients]


def attack(url: str, patience: float = 60) -> Iterator[tuple[str, str]]:
    """Each client, all at once, with what became of it."""
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        ends = [pool.submit(_held, url, first, then, patience) for _, first, then in CLIENTS]
        for (says, _, _), end in zip(CLIENTS, ends, strict=True):
            yield says, end.result()


def _held(url: str, first: bytes, then: bytes, patience: float) -> str:
    until, place = time.monotonic() + patience, urlsplit(url)
    with socket.create_connection((place.hostname, place.port or 80), timeout=0.5) as connected:
        try:
            connected.sendall(first)
            while time.monotonic() < until:
                try:
                    connected.sendall(then)
                    if not connected.recv(65_536):
                        return "cut off"
                except TimeoutError:
                    continue
        except ConnectionError:
            return "cut off"
    return "NOTHING: still connected"


if __name__ == "__main__":
    for tried, stopped_by in attack(sys.argv[1]):
        print(f"{tried:38} {stopped_by}")
