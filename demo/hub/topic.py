"""A followed task: its newest events are in memory, all others in the log."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from demo.hub.frames import Frame, frame

if TYPE_CHECKING:
    from demo.hub.following import Place

LOG = logging.getLogger(__name__)
PAGE = 200
ReadLog = Callable[["Topic", int, int], Awaitable[list[Frame]]]


class Topic:
    """One task's newest events, without a gap, up to its `head`; None: no head is known."""

    def __init__(self, tenant: str, id: UUID, kept: int, read_log: ReadLog) -> None:
        self.tenant, self.id = tenant, id
        self.head: int | None = None
        self.ended = False
        self.places: set[Place] = set()
        self.idle_since = 0.0
        self._recent: deque[Frame] = deque(maxlen=kept)
        self._wanted = 0
        self._one_reads = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None
        self._read_log = read_log

    @property
    def may_go_on(self) -> bool:
        """Whether it is followed and more may come that nobody told."""
        return bool(self.places) and self.head is not None and not self.ended

    # --8<-- [start:heard]
    def hear(self, seq: int, events: Iterable[dict[str, Any]]) -> None:
        """Keep what joins on; read the log, once for all followers, for what does not."""
        self._add(frame(event) for event in events)
        self.want(seq)

    def want(self, seq: int) -> None:
        """An event is known to exist: see that the followers get all up to it."""
        self._wanted = max(self._wanted, seq)
        if self.head is None or self._wanted <= self.head:
            return  # who knows no head is about to read the log
        if not self.places:
            self.head = None
            self._recent.clear()
        elif self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up())

    # --8<-- [end:heard]

    # --8<-- [start:after]
    async def after(self, position: int, most: int = PAGE) -> list[Frame]:
        """What follows a position, as far as it is known; who asks for the same waits for it."""
        if (kept := self._from_memory(position)) is not None:
            return kept
        async with self._one_reads:
            if (kept := self._from_memory(position)) is not None:
                return kept
            frames = await self._read_log(self, position, most)
            self.ended = self.ended or any(frame.ends for frame in frames[-1:])
            if len(frames) < most:
                self._reached(position, frames)
            return frames

    # --8<-- [end:after]

    def forget(self) -> None:
        """Drop from memory what all followers have."""
        needed = min((place.position for place in self.places), default=self.head or 0)
        while self._recent and self._recent[0].seq <= needed:
            self._recent.popleft()

    def _from_memory(self, position: int) -> list[Frame] | None:
        if self.head is not None and position >= self.head:
            return []
        if self._recent and self._recent[0].seq <= position + 1:
            return list(islice(self._recent, position + 1 - self._recent[0].seq, None))
        return None

    def _reached(self, position: int, frames: list[Frame]) -> None:
        """The log was read to its end: what the next ones ask for is kept."""
        last = frames[-1].seq if frames else position
        if self.head is None:
            self.head = last
        start = self._recent[0].seq if self._recent else self.head + 1
        older = [frame for frame in frames if frame.seq < start]
        if older and older[-1].seq == start - 1:
            room = (self._recent.maxlen or 0) - len(self._recent)
            self._recent.extendleft(reversed(older[-room:] if room else []))
        self.want(last)

    def _add(self, frames: Iterable[Frame]) -> None:
        for new in frames:
            if self.head is not None and new.seq == self.head + 1:
                self.head = new.seq
                self.ended = new.ends
                self._recent.append(new)
        for place in self.places:
            place.follower.ring()

    async def _catch_up(self) -> None:
        try:
            while self.head is not None and self.head < self._wanted:
                frames = await self._read_log(self, self.head, PAGE)
                self._add(frames)
                if not frames:
                    break
        except Exception as error:  # the next sweep tries again
            LOG.warning("log not read: %s", type(error).__name__)
        finally:
            self._wanted = self.head or 0
            self._catching_up = None
