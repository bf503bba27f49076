"""Readers that take one byte a second, by plain sockets with the smallest of buffers."""

import asyncio
import socket
from contextlib import suppress

from tests.bench.remote import serve

taking: list[asyncio.Task[None]] = []
sockets: list[socket.socket] = []


async def open_all(port: int, path: str, count: int) -> int:
    """Open and ask; from then on a byte a second is taken from each."""
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.connect(("127.0.0.1", port))
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        one.setblocking(False)
        sockets.append(one)
        await asyncio.sleep(0)
    taking.append(asyncio.create_task(_take()))
    return len(sockets)


async def _take() -> None:
    while True:
        for one in sockets:
            with suppress(BlockingIOError, ConnectionError):
                one.recv(1)
        await asyncio.sleep(1)


if __name__ == "__main__":
    serve(open=open_all)
