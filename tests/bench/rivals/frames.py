"""A bare ASGI response: the demo's frames from a timer inside the process, nothing behind them."""

import asyncio
import time
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs

from demo.hub import frame
from tests.bench.rivals.serving import serve

followers: dict[int, set[asyncio.Queue[bytes]]] = defaultdict(set)
seqs: dict[int, int] = defaultdict(int)
playing: set[asyncio.Task[None]] = set()
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """`/tasks/N/stream` follows, `/play?tasks=&rate=&seconds=` starts the timer."""
    if scope["type"] != "http":
        return
    if scope["path"].endswith("/stream"):
        await follow(int(scope["path"].split("/")[2]), send)
        return
    if scope["path"] == "/play":
        told = {name: float(value[0]) for name, value in parse_qs(scope["query_string"]).items()}
        task = asyncio.create_task(play(int(told[b"tasks"]), told[b"rate"], told[b"seconds"]))
        playing.add(task)
        task.add_done_callback(playing.discard)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def follow(task: int, send: Any) -> None:
    """Send a task's frames as long as the process lives."""
    mine: asyncio.Queue[bytes] = asyncio.Queue()
    followers[task].add(mine)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    while True:
        await send({"type": "http.response.body", "body": await mine.get(), "more_body": True})


async def play(tasks: int, rate: float, seconds: float) -> None:
    """One event at a time, the tasks in turn, evenly spread: `rate` a second for each task."""
    began = time.monotonic()
    for number in range(round(tasks * rate * seconds)):
        await asyncio.sleep(max(0, began + number / (tasks * rate) - time.monotonic()))
        task = number % tasks
        seqs[task] += 1
        wire = frame(event(seqs[task])).wire
        for queue in followers[task]:
            queue.put_nowait(wire)


def event(seq: int) -> dict[str, Any]:
    """An event of the demo's shape and length, with its moment in the text."""
    message = f"{time.monotonic_ns()} a line of a log"
    return {
        "seq": seq,
        "type": "log",
        "attempt": 1,
        "at": "2026-11-24T12:00:00.000000Z",
        "data": {"level": "info", "message": message},
    }


if __name__ == "__main__":
    serve(app)
