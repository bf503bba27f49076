"""One timer for all streams: keep-alives, ages and readers that take nothing."""

import asyncio
from collections.abc import Iterator
from itertools import chain, count

from demo.hub.following import Follower

SLICES = 64
SEND_TIMEOUT = 30.0
# a visit comes every 0.4 of the keep-alive: who is idle is reminded at 0.8, late at 1.0
VISIT, IDLE = 0.4, 0.6


class Pulse:
    """A wheel on which each stream has its slice: ten thousand never wake at once."""

    def __init__(self, keepalive: float) -> None:
        self._keepalive = keepalive
        self._numbers = count()
        self._slices: list[dict[int, Follower]] = [{} for _ in range(SLICES)]

    def add(self, follower: Follower) -> int:
        """Visit it from now on; returns its number."""
        number = next(self._numbers)
        self._slices[number % SLICES][number] = follower
        return number

    def remove(self, number: int) -> None:
        """Visit it no more."""
        del self._slices[number % SLICES][number]

    # --8<-- [start:pulse]
    async def turn(self) -> None:
        """Visit all streams once, a slice at a time."""
        loop = asyncio.get_running_loop()
        for streams in self._slices:
            await asyncio.sleep(VISIT * self._keepalive / SLICES)
            for follower in list(streams.values()):
                self._visit(follower, loop.time())

    def _visit(self, follower: Follower, now: float) -> None:
        if follower.sending:
            if now - follower.since > SEND_TIMEOUT:
                follower.cut()
        elif now >= follower.until:
            follower.close()
        elif now - follower.since > IDLE * self._keepalive:
            follower.remind()

    # --8<-- [end:pulse]

    def __iter__(self) -> Iterator[Follower]:
        return chain.from_iterable([*streams.values()] for streams in self._slices)

    def __len__(self) -> int:
        return sum(map(len, self._slices))
