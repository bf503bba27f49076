"""Many stream readers that come back as browsers do: after `retry`, with their last id."""

import asyncio
import re
import time
from collections import Counter
from typing import Any

from tests.bench.remote import serve

STATUS = re.compile(rb"HTTP/1.1 (\d+) ")
LINE = re.compile(rb"^(?:id: (\d+)|retry: (\d+)|event: end)\n", re.MULTILINE)
LAST_CHUNK = b"0\r\n\r\n"
AT_ONCE = 64
readers: list["Reader"] = []
statuses: Counter[str] = Counter()


class Reader(asyncio.Protocol):
    """One reader, over all of its connections."""

    def __init__(self, port: int, path: str, room: asyncio.Semaphore) -> None:
        self._port, self._path, self._room = port, path, room
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._answered = self._stopped = False
        self.retry = 1.0
        self.last = self.twice = self.missed = self.cuts = 0
        self.open = self.over = False
        self.back = 0.0  # when the newest connection had its answer

    async def connect(self) -> None:
        """Try once; what fails is tried again after `retry`, for ever."""
        if self._stopped:
            return
        try:
            async with self._room:
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        except OSError:
            statuses["unreachable"] += 1
            self._later()

    def connection_made(self, transport: Any) -> None:
        self._transport, self._rest, self._answered = transport, b"", False
        resume = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        transport.write(f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._answered:
            if b"\r\n\r\n" not in data:
                self._rest = data
                return
            self._answer(data)
        lines = data.rfind(b"\n") + 1
        self._rest = data[lines:]
        for found in LINE.finditer(data, 0, lines):
            if found[1]:
                self._note(int(found[1]))
            elif found[2]:
                self.retry = int(found[2]) / 1000
            else:
                self.over = True
        if data.endswith(LAST_CHUNK) and self._transport:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open, self._transport = False, None
        if not self.over:
            self.cuts += 1
            self._later()

    def stop(self) -> None:
        """Leave for good."""
        self._stopped = True
        if self._transport:
            self._transport.abort()

    def _answer(self, data: bytes) -> None:
        status = STATUS.match(data)
        statuses[status[1].decode() if status else "garbage"] += 1
        self._answered, self.back = True, time.monotonic()
        self.open = bool(status) and data[9:12] == b"200"
        self.over = data[9:12] == b"204"

    def _note(self, seq: int) -> None:
        self.twice += seq <= self.last
        self.missed += max(0, seq - self.last - 1)
        self.last = max(seq, self.last)

    def _later(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self.retry, lambda: loop.create_task(self.connect()))


async def open_all(port: int, paths: list[str]) -> dict[str, Any]:
    """A reader for each path."""
    room = asyncio.Semaphore(AT_ONCE)
    made = [Reader(port, path, room) for path in paths]
    readers.extend(made)
    await asyncio.gather(*(reader.connect() for reader in made))
    return await told()


async def told() -> dict[str, Any]:
    """How all of them are."""
    return {
        "open": sum(reader.open for reader in readers),
        "over": sum(reader.over for reader in readers),
        "cut": sum(reader.cuts > 0 for reader in readers),
        "cuts": sum(reader.cuts for reader in readers),
        "least": min(reader.last for reader in readers),
        "lasts": [reader.last for reader in readers],
        "twice": sum(reader.twice for reader in readers),
        "missed": sum(reader.missed for reader in readers),
        "statuses": dict(statuses),
        "last_back": max(reader.back for reader in readers),
    }


async def until(seconds: float, **wanted: int) -> dict[str, Any]:
    """Wait for at least so many of a count, or for the time to be over."""
    deadline = time.monotonic() + seconds
    while True:
        now = await told()
        if all(now[name] >= count for name, count in wanted.items()):
            return {**now, "reached": True}
        if time.monotonic() > deadline:
            return {**now, "reached": False}
        await asyncio.sleep(0.05)


async def close() -> int:
    """Leave, all of them."""
    closed = len(readers)
    for reader in readers:
        reader.stop()
    readers.clear()
    statuses.clear()
    return closed


if __name__ == "__main__":
    serve(open=open_all, told=told, until=until, close=close)
