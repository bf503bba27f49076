"""What runs beside a block ends with it, even when it does not hear the first word."""

import asyncio

from demo.beside import beside


def test_a_cancel_that_gets_lost_is_said_again():
    heard = []

    async def deaf() -> None:
        while len(heard) < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append("cancel")

    async def scene() -> None:
        async with beside(deaf()):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert len(heard) == 3


def test_a_loop_that_fails_ends_only_itself():
    async def wrong() -> None:
        raise LookupError

    async def scene() -> str:
        async with beside(wrong()):
            await asyncio.sleep(0.01)
            return "went on"

    assert asyncio.run(scene()) == "went on"
