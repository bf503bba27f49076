"""Anti-pattern: every client tries again after the same wait. They stay together for ever."""

import asyncio
from collections.abc import Awaitable, Callable

Ask = Callable[[], Awaitable[bool]]
WAIT = 1  # second; stands for a minute


# --8<-- [start:together]
async def call(ask: Ask) -> None:
    while not await ask():  # False: 503, too many at once
        await asyncio.sleep(WAIT)


# --8<-- [end:together]
