"""Send requests that two servers may read differently, with another request hidden inside.

python snippets/attacks/smuggling.py http://127.0.0.1:8001
"""

import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"

# --8<-- [start:requests]
REQUESTS = (
    (
        "a length and chunks (CL.TE)",
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\nX",
    ),
    ("chunks and a length (TE.CL)", b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", CHUNKS),
    ("two codings (TE.TE)", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", CHUNKS),
    ("a coding in front of chunks", b"Transfer-Encoding: identity, chunked\r\n", CHUNKS),
    ("a coding behind chunks", b"Transfer-Encoding: chunked, identity\r\n", CHUNKS),
    ("an unknown coding", b"Transfer-Encoding: xchunked\r\n", CHUNKS),
    ("a space before the colon", b"Transfer-Encoding : chunked\r\n", CHUNKS),
    ("a control character before it", b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS),
    ("two lengths", b"Content-Length: 2\r\nContent-Length: 0\r\n", b"{}"),
    ("the same length twice", b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    ("a list of lengths", b"Content-Length: 2, 2\r\n", b"{}"),
    ("a length with a sign", b"Content-Length: +2\r\n", b"{}"),
    ("a negative length", b"Content-Length: -2\r\n", b"{}"),
    ("a length in hexadecimal", b"Content-Length: 0x2\r\n", b"{}"),
    ("a length beyond all numbers", b"Content-Length: 99999999999999999999\r\n", b"{}"),
    ("an empty length", b"Content-Length: \r\n", b"{}"),
    ("a folded line", b"X: a\r\n Content-Length: 2\r\n", b"{}"),
    ("a bare line feed", b"X: a\nContent-Length: 2\r\n", b"{}"),
    ("a bare carriage return", b"X: a\rContent-Length: 2\r\n", b"{}"),
    ("a NUL", b"X: a\x00b\r\nContent-Length: 2\r\n", b"{}"),
    ("a space before the first header", b" X: a\r\nContent-Length: 2\r\n", b"{}"),
    (
        "a line feed in a chunk's extension",
        b"Transfer-Encoding: chunked\r\n",
        b"2;\n{}\r\n0\r\n\r\n",
    ),
    ("a chunk that ends in line feeds", b"Transfer-Encoding: chunked\r\n", b"2\n{}\n0\n\n"),
    ("a chunk longer than it says", b"Transfer-Encoding: chunked\r\n", b"2\r\n{}XX0\r\n\r\n"),
    ("a negative chunk", b"Transfer-Encoding: chunked\r\n", b"-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk in 0x", b"Transfer-Encoding: chunked\r\n", b"0x2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk beyond all numbers", b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\n{}"),
    ("a header of 200 KB", b"X: " + b"y" * 200_000 + b"\r\nContent-Length: 2\r\n", b"{}"),
    ("twenty thousand headers", b"X: y\r\n" * 20_000 + b"Content-Length: 2\r\n", b"{}"),
)
# --8<-- [end:requests]
OLD = POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS
ABSOLUTE = b"GET http://evil.test/livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WHOLE = (
    ("chunks in HTTP/1.0", OLD),
    ("a second host in the target", ABSOLUTE),
    ("an unknown version", b"GET /livez HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n"),
    ("the first words of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
)


def attack(url: str) -> Iterator[tuple[str, str]]:
    """Each request with what stopped it; the hidden one is behind all of them."""
    place = (urlsplit(url).hostname, urlsplit(url).port or 80)
    for says, headers, body in REQUESTS:
        yield says, _sent(place, POST + headers + b"\r\n" + body + HIDDEN)
    for says, request in WHOLE:
        yield says, _sent(place, request + HIDDEN)


def _sent(place: tuple[str | None, int], request: bytes) -> str:
    answer = b""
    with socket.create_connection(place, timeout=5) as connected:
        try:
            connected.sendall(request)
            while more := connected.recv(65_536):
                answer += more
        except ConnectionError:
            pass  # cut off while we still sent
        except TimeoutError:
            return "NOTHING: the connection stays open"
    statuses = {answer[at + 9 : at + 12] for at in _places(answer)}
    # what was cut off in the middle may have lost its 400 on the way
    return "refused, cut off" if statuses <= {b"400"} else f"NOTHING: {statuses}"


def _places(answer: bytes) -> Iterator[int]:
    at = -1
    while (at := answer.find(b"HTTP/1.1 ", at + 1)) >= 0:
        yield at


if __name__ == "__main__":
    for tried, stopped_by in attack(sys.argv[1]):
        print(f"{tried:36} {stopped_by}")
