"""Streams in this process: how they are told to come back, and what they leave behind."""

import asyncio
import gc
import re
import weakref
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from demo.api.eventstream import RETURNS, EventStream, one_task
from demo.hub import Hub, Wanted
from demo.settings import Settings
from demo.store import submitting
from demo.store.engines import async_engine, begin, engine

from .conftest import KEY

STREAMS = 5 * RETURNS
RETRY = re.compile(rb"retry: (\d+)\n")


@pytest.fixture
def task(database: Any) -> UUID:
    owner = engine(database.owner)
    with begin(owner) as connection:
        made = submitting.submit(connection, "local", kind="rehearsal", input={"steps": 1}).task
    owner.dispose()
    return made.id


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Without the collector of cycles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.claim("stream.no-cycle")
@pytest.mark.usefixtures("uncollected")
def test_a_stream_that_ended_waits_for_no_collector(database: Any, task: UUID) -> None:
    class Connection:
        def abort(self) -> None:
            """As a transport's."""

    async def leave() -> weakref.ref[Connection]:
        source = async_engine(database.api)
        hub = Hub(source, Settings(wakeup_key=KEY))  # not running: this stream needs no news
        stream = EventStream(hub, "local", [Wanted(task, 0, False)], one_task, b"", 600, bool)
        connection, gone = Connection(), asyncio.Event()

        async def send(message: Any) -> None:
            gone.set()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        await stream.run({"abort": connection.abort}, receive, send)
        await source.dispose()
        return weakref.ref(connection)

    assert asyncio.run(leave())() is None


@pytest.mark.claim("stream.spread")
def test_who_is_ended_last_is_spread_as_who_is_ended_first(database: Any, task: UUID) -> None:
    told = asyncio.run(ended(database.api, task))
    assert len(told) == STREAMS
    assert min(told) >= 1000
    for some in (told[:RETURNS], told[-RETURNS:]):
        assert max(some) > 4000, "of these a few come back late, too"


async def ended(url: str, task: UUID) -> list[int]:
    """Open streams in this process, end them, and hear what each is told."""
    source, told = async_engine(url), []
    live, left = asyncio.Event(), STREAMS

    async def send(message: Any) -> None:
        nonlocal left
        if message.get("more_body"):
            left -= 1
            live.set() if left == 0 else None
        elif found := RETRY.fullmatch(message.get("body", b"")):
            told.append(int(found[1]))

    hub = Hub(source, Settings(wakeup_key=KEY))  # not running: these streams need no news
    wanted = [Wanted(task, 0, False)]
    streams = [
        EventStream(hub, "local", wanted, one_task, b"", 600, lambda: True) for _ in range(STREAMS)
    ]
    running = [asyncio.create_task(one.run({}, asyncio.Event().wait, send)) for one in streams]
    await asyncio.wait_for(live.wait(), 60)
    hub.drain()
    await asyncio.gather(*running)
    await source.dispose()
    return told
