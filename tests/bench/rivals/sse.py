"""sse-starlette's response in a FastAPI app: the same frames, the same timer, nothing behind."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from sse_starlette import EventSourceResponse

from tests.bench.rivals import frames
from tests.bench.rivals.serving import serve

app = FastAPI()


# --8<-- [start:response]
@app.get("/tasks/{task}/stream")
async def stream(task: int) -> EventSourceResponse:
    """Follow a task."""
    return EventSourceResponse(follow(task), send_timeout=30, ping=0)


async def follow(task: int) -> AsyncIterator[bytes]:
    """The frames of a task, as they come."""
    mine: asyncio.Queue[bytes] = asyncio.Queue()
    frames.followers[task].add(mine)
    try:
        while True:
            yield await mine.get()
    finally:
        frames.followers[task].discard(mine)


# --8<-- [end:response]


@app.post("/play")
async def play(tasks: int, rate: float, seconds: float) -> None:
    """Start the timer."""
    task = asyncio.create_task(frames.play(tasks, rate, seconds))
    frames.playing.add(task)
    task.add_done_callback(frames.playing.discard)


if __name__ == "__main__":
    serve(app)
