"""The right way: each wait is longer than the one before it, and half of it is drawn."""

import asyncio
import random

from retry_together import WAIT, Ask

from demo.worker.running import backoff


# --8<-- [start:apart]
async def call(ask: Ask) -> None:
    failures = 0
    while not await ask():
        seconds = backoff(failures, None, random.random)  # 2, 4, 8 … 300 s
        await asyncio.sleep(seconds / 2 * WAIT)
        failures += 1


# --8<-- [end:apart]
