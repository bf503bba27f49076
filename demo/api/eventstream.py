"""An open stream: one coroutine that sleeps until the hub has frames for it, and little else."""

import asyncio
import logging
import random
from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from demo.hub import Follower, Frame, Hub, Wanted

LOG = logging.getLogger(__name__)
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx
    "Incremental": "?1",  # any proxy that knows RFC 10036
}
RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
KEEPALIVE = b": keep-alive\n"  # no blank line: some clients take an empty block for an event
RETURNS = 700  # streams a second that come back after a deploy, at most
UNWOUND = "demo.unwound"  # where the shield looks for what runs after the framework
Wire = Callable[[UUID, list[Frame]], bytes]


def one_task(_: UUID, frames: list[Frame]) -> bytes:
    """The frames as they are: the same bytes for all who follow the task."""
    return b"".join([frame.wire for frame in frames])


# --8<-- [start:several]
class Several:
    """The frames of several tasks: each id tells how far all of them are, in their order."""

    def __init__(self, at: dict[UUID, int]) -> None:
        self._at = dict(at)

    def __call__(self, task: UUID, frames: list[Frame]) -> bytes:
        """Frames of one of the tasks."""
        return b"".join([self._named(str(task).encode(), task, frame) for frame in frames])

    def _named(self, name: bytes, task: UUID, frame: Frame) -> bytes:
        self._at[task] = frame.seq
        return frame.named(name, ".".join(map(str, self._at.values())).encode())


# --8<-- [end:several]


class EventStream(Response):
    """A stream; the framework returns from it at once, and the shield runs it.

    So a waiting stream holds none of the framework's frames, spans and exit stacks.
    """

    def __init__(
        self,
        hub: Hub,
        tenant: str,
        wanted: list[Wanted],
        wire: Wire,
        opening: bytes,
        age: float,
        still: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._hub, self._tenant, self._wanted = hub, tenant, wanted
        self._wire, self._opening, self._age = wire, opening, age
        self._still = still  # whether the caller's token or session is good now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave word for the shield."""
        scope[UNWOUND].append(self.run)

    # --8<-- [start:run]
    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until all tasks have ended, the reader leaves, its time is over or we stop."""
        await send({"type": "http.response.start", "status": 200, "headers": RAW})
        until = asyncio.get_running_loop().time() + self._age
        try:
            async with self._hub.follow(self._tenant, self._wanted, until=until) as follower:
                follower.abort = scope.get("abort")
                watch = asyncio.create_task(_watch(receive, follower))
                try:
                    await self._pour(follower, send)
                finally:
                    watch.cancel()
        except Exception as error:  # the client comes back with its position
            LOG.warning("stream ended: %s", type(error).__name__)
        last = _retry(self._hub.leaving) if self._hub.draining else b""
        await send({"type": "http.response.body", "body": last})

    async def _pour(self, follower: Follower, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        # inside the first event's block: some clients take a `retry` alone for an event
        before = _retry(self._hub.following)
        if self._opening:
            await send(_body(before + self._opening))
            before = b""
        while follower.left and not follower.closed:
            news = await follower.next()
            if follower.closed or clock() >= follower.until or not self._still():
                return  # who comes back is told why
            body = KEEPALIVE
            if news:
                parts = [self._wire(place.topic.id, frames) for place, frames in news]
                body, before = before + b"".join(parts), b""
            del news  # a slow reader holds one chunk, not its frames too
            follower.sending, follower.since = True, clock()
            await send(_body(body))
            follower.sending, follower.since = False, clock()

    # --8<-- [end:run]


async def _watch(receive: Receive, follower: Follower) -> None:
    """A reader that leaves is noticed at once, not at the next frame."""
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.close()


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


# --8<-- [start:retry]
def _retry(streams: int) -> bytes:
    """When to come back: spread, so that all streams of a process are no stampede elsewhere."""
    latest = max(3000, 1000 * streams // RETURNS)
    return f"retry: {random.randint(1000, latest)}\n".encode()  # noqa: S311


# --8<-- [end:retry]
