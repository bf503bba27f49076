"""Requests on kept-alive connections, each sent when the last was answered: HTTP/1.1 by hand."""

import asyncio
import re
import time
from collections import Counter
from typing import Any

from tests.bench.remote import serve

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Run:
    """What is sent, how long, and what came back."""

    def __init__(self, head: str, body: str, seconds: float, most: int, key: str) -> None:
        self._head = f"{head}\r\nHost: 127.0.0.1\r\n".encode()
        self._body = body.encode()
        self._key = key.encode()
        self._until = time.perf_counter() + seconds
        self._most = most
        self._sent = 0
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()

    def request(self) -> bytes | None:
        """The next request with a key of its own, or None when it is over; one there always is."""
        if self._sent and (self._sent >= self._most or time.perf_counter() >= self._until):
            return None
        self._sent += 1
        if not self._body:
            return self._head + b"\r\n"
        return b"%bContent-Type: application/json\r\nIdempotency-Key: %b-%d\r\n%b" % (
            self._head,
            self._key,
            self._sent,
            b"Content-Length: %d\r\n\r\n%b" % (len(self._body), self._body),
        )


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen = b""
        self._began = 0.0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._seen, 0, end + 2)
        if length is None or len(self._seen) >= end + 4 + int(length[1]):
            self._run.latencies.append(time.perf_counter() - self._began)
            self._run.statuses[self._seen[9:12].decode()] += 1
            self._seen = b""
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def _send(self) -> None:
        request = self._run.request()
        if request is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)


async def run(
    port: int,
    head: str,
    body: str = "",
    key: str = "",
    connections: int = 16,
    seconds: float = 2,
    most: int = 100_000,
) -> dict[str, Any]:
    """One round: rate, quantiles in milliseconds, and the statuses that came back."""
    loop = asyncio.get_running_loop()
    this = Run(head, body, seconds, most, key)
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Caller(this), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(caller.over for _, caller in made)), seconds + 30)
    took = time.perf_counter() - began
    times = sorted(this.latencies)
    return {
        "rate": len(times) / took,
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[len(times) * 99 // 100],
        "statuses": dict(this.statuses),
    }


if __name__ == "__main__":
    serve(run=run)
