"""Many stream readers in one process: they note when each event came and whether one is missing."""

import asyncio
import re
import time
from array import array
from typing import Any

from tests.bench.remote import serve

EVENT = re.compile(rb"id: (\d+)\nevent: \w+\ndata: ([^\n]*)\n")
STAMP = re.compile(rb'"message":"(\d+) ')
AT_ONCE = 64
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
streams: list["Stream"] = []
arrivals = array("q")


class Stream(asyncio.Protocol):
    """One open stream."""

    def __init__(self, path: str, headers: str) -> None:
        self._head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()
        self._rest = b""
        self.last = 0
        self.gaps = 0
        self.lost = False
        self.ended = asyncio.get_running_loop().create_future()
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._rest + data
        end = data.rfind(b"\n\n") + 2
        self._rest = data[end:] if end > 1 else data
        if not self.opened.done() and b"\r\n\r\n" in data:
            self.opened.set_result(data[9:12].decode())
        if end > 1:
            for found in EVENT.finditer(data, 0, end):
                self._note(int(found[1]), found[2], now)

    def _note(self, seq: int, event: bytes, now: int) -> None:
        self.gaps += self.last > 0 and seq != self.last + 1
        self.last = seq
        if stamp := STAMP.search(event):
            arrivals.append(int(stamp[1]))
            arrivals.append(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.ended.set_result(None)
        if not self.opened.done():
            self.opened.set_result("cut")


async def open_all(
    port: int, paths: list[str], history: bool = False, upgrade: bool = False
) -> dict[str, Any]:
    """Open a stream for each path; how many were let in, and how long it took.

    With `history` until each has its first event: a stream that still reads it is not idle.
    """
    room = asyncio.Semaphore(AT_ONCE)
    status, headers = ("101", UPGRADE) if upgrade else ("200", "")
    loop = asyncio.get_running_loop()

    async def one(path: str) -> str:
        async with room:
            _, stream = await loop.create_connection(
                lambda: Stream(path, headers), "127.0.0.1", port
            )
            streams.append(stream)
            return str(await asyncio.wait_for(stream.opened, 60))

    began = time.perf_counter()
    answers = await asyncio.gather(*(one(path) for path in paths))
    while history and not all(stream.last or stream.lost for stream in streams):
        await asyncio.sleep(0.02)
    return {"open": answers.count(status), "seconds": time.perf_counter() - began}


async def take() -> dict[str, Any]:
    """What arrived since the last time: pairs of stamp and arrival, in nanoseconds."""
    told = {
        "arrivals": arrivals.tolist(),
        "gaps": sum(stream.gaps for stream in streams),
        "lost": sum(stream.lost for stream in streams),
    }
    del arrivals[:]
    for stream in streams:
        stream.gaps = 0
    return told


async def wait(events: int, seconds: float) -> bool:
    """Until so many events arrived."""
    until = time.monotonic() + seconds
    while len(arrivals) < 2 * events and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return len(arrivals) >= 2 * events


async def close() -> int:
    """Close all streams."""
    closed = len(streams)
    for stream in streams:
        stream.transport.abort()
    await asyncio.gather(*(stream.ended for stream in streams))
    streams.clear()
    del arrivals[:]
    return closed


if __name__ == "__main__":
    serve(open=open_all, take=take, wait=wait, close=close)
