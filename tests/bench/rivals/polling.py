"""The common pattern: for each open stream a loop that asks the result backend once a second."""

import asyncio
import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from redis.asyncio import BlockingConnectionPool, Redis
from sse_starlette import EventSourceResponse, ServerSentEvent

from tests.bench.rivals.serving import serve

PERIOD = 1.0
# redis-py's own pool raises at its limit, and half of the streams would die
pool = BlockingConnectionPool.from_url(os.environ["DEMO_REDIS_URL"], protocol=2, max_connections=20)
backend = Redis(connection_pool=pool)
app = FastAPI()


@app.get("/tasks/{id}/stream")
async def stream(id: str) -> EventSourceResponse:
    """Tell what the backend says, whenever it says something new."""
    return EventSourceResponse(follow(id))


async def follow(id: str) -> AsyncIterator[ServerSentEvent]:
    """Look, tell, sleep."""
    last = "0"
    while True:
        kept = await backend.get(f"celery-task-meta-{id}")
        news = json.loads(kept) if kept else {}
        if news and str(news["seq"]) != last:
            last = str(news["seq"])
            data = json.dumps(news, separators=(",", ":"))
            yield ServerSentEvent(data, event=news["type"], id=last, sep="\n")
        await asyncio.sleep(PERIOD)


if __name__ == "__main__":
    serve(app)
