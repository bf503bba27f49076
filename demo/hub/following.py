"""A stream's places in the tasks that it follows, and the one bell that wakes it."""

import asyncio
from collections.abc import Callable
from math import inf

from demo.hub.frames import Frame
from demo.hub.topic import PAGE, Topic

CHUNK = 32_768  # bytes handed out at once: a reader that is slow holds no more
News = list[tuple["Place", list[Frame]]]


class Place:
    """How far a stream is in a task: it hands out contiguous frames only, however late it is."""

    __slots__ = ("_page", "ended", "follower", "position", "topic")

    def __init__(self, topic: Topic, position: int, follower: "Follower") -> None:
        self.topic, self.position, self.follower = topic, position, follower
        self.ended = False
        self._page = PAGE

    async def next(self) -> list[Frame]:
        """The frames that follow, a chunk of them."""
        frames = await self.topic.after(self.position, self._page)
        size = 0
        for count, frame in enumerate(frames):
            size += len(frame.wire)
            if size > CHUNK and count:
                frames = frames[:count]
                self._page = count + 1
                break
        else:
            self._page = min(PAGE, 2 * self._page)
        if frames:
            self.position, self.ended = frames[-1].seq, frames[-1].ends
        return frames


class Follower:
    """One stream: it sleeps until a task of its own has news, its time comes, or it is closed."""

    __slots__ = (
        "_due", "_rung", "_waiting", "abort", "closed", "left", "sending", "since",
        "until",
    )  # fmt: skip

    def __init__(self, until: float = inf) -> None:
        self.until = until
        self.left: list[Place] = []  # in tasks that have not ended
        self.closed = False
        self.sending = False
        self.since = asyncio.get_running_loop().time()  # when it began to send or to be idle
        self.abort: Callable[[], None] | None = None
        self._due = self._rung = False
        self._waiting: asyncio.Future[None] | None = None

    # --8<-- [start:next]
    async def next(self) -> News:
        """What is new; nothing when a keep-alive is due or the stream is to end."""
        while self.left and not self.closed:
            self._rung = False
            if news := await self._news():
                self.left = [one for one in self.left if not one.ended]
                return news
            if self._due:
                break
            if not self._rung and not self.closed:
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting
        self._due = False
        return []

    # --8<-- [end:next]

    async def _news(self) -> News:
        news: News = []
        size = 0
        for number, place in enumerate(self.left, 1):
            if place.position != place.topic.head and (frames := await place.next()):
                news.append((place, frames))
                size += sum(len(frame.wire) for frame in frames)
                if size > CHUNK:  # the others first, the next time
                    self.left = self.left[number:] + self.left[:number]
                    break
        return news

    def ring(self) -> None:
        """There may be news."""
        self._rung = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def remind(self) -> None:
        """A keep-alive is due."""
        self._due = True
        self.ring()

    def close(self) -> None:
        """Let `next` end the stream; the client comes back with its position."""
        self.closed = True
        self.ring()

    def forget(self) -> None:
        """Let go of places and connection, so that a stream that ended needs no collector."""
        self.left, self.abort = [], None

    def cut(self) -> None:
        """Give up a reader that takes nothing."""
        self.close()
        if self.abort:
            self.abort()
