"""Loops that run beside a block and end with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN = 0.2


@asynccontextmanager
async def beside(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines until the block ends; what they fail with ends only them.

    A cancel can get lost: before Python 3.12 `asyncio.wait_for`, which redis-py calls, returns
    as if nothing had been said when what it waits for happens at the same moment. A process
    that took the word of one cancel would then ignore SIGTERM for ever.
    """
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        while left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=AGAIN)
        await asyncio.gather(*tasks, return_exceptions=True)
