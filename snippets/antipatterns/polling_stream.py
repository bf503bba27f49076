"""Anti-pattern: each open stream asks the database, twice a second, whether there is news."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI
from sse_starlette import EventSourceResponse, ServerSentEvent

STATUS = "SELECT status FROM reports WHERE id = $1"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as app.state.pool:
        await app.state.pool.execute(
            "CREATE TABLE IF NOT EXISTS reports AS SELECT '1' AS id, 'running' AS status"
        )
        yield


app = FastAPI(lifespan=lifespan)


# --8<-- [start:poll]
@app.get("/reports/{id}/stream")
async def stream(id: str) -> EventSourceResponse:
    return EventSourceResponse(frames(id))


async def frames(id: str) -> AsyncIterator[ServerSentEvent]:
    seen = ""
    while seen != "succeeded":
        status = await app.state.pool.fetchval(STATUS, id)
        if status != seen:
            yield ServerSentEvent(status)
        seen = status
        await asyncio.sleep(0.5)


# --8<-- [end:poll]
