"""The hub: one subscription a task, one read a gap, one sweep for all that is followed."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from demo.beside import beside
from demo.hub.following import Follower, Place
from demo.hub.frames import Frame, frame
from demo.hub.listening import Listener
from demo.hub.pulse import Pulse
from demo.hub.topic import Topic
from demo.settings import Settings
from demo.store import reads
from demo.store.engines import begin_for, one_statement
from demo.store.records import Record
from demo.wakeups import channel, decode

LOG = logging.getLogger(__name__)
READERS = 4  # of the pool's connections: streams never starve requests
SWEEP_ALONE = 2.0


class Wanted(NamedTuple):
    """A task, the number of the last event that its reader has, and whether it has ended."""

    id: UUID
    after: int
    final: bool


class Hub:
    """Brings the events of followed tasks to their streams.

    Wake-ups make it fast; the log makes it right: a stream's frames are contiguous whatever
    becomes of the wake-ups.
    """

    def __init__(self, engine: AsyncEngine, knobs: Settings) -> None:
        self._engine = engine
        self._knobs = knobs
        self._key = knobs.signing_key()
        self._topics: dict[str, Topic] = {}
        self._pulse = Pulse(knobs.keepalive)
        self._tenants: Counter[str] = Counter()
        self._readers = asyncio.Semaphore(READERS)
        self._sweep_now = asyncio.Event()
        self.draining = False
        self.leaving = 0
        url = knobs.redis_url.get_secret_value()
        self._listener = Listener(url, self._heard, self._sweep_now.set)

    @property
    def up(self) -> bool:
        """Whether wake-ups arrive; without them the sweep carries the streams."""
        return self._listener.up

    @property
    def following(self) -> int:
        """How many streams are open."""
        return self._tenants.total()

    def following_of(self, tenant: str) -> int:
        """How many of them are a tenant's."""
        return self._tenants[tenant]

    def known(self, tenant: str, id: UUID) -> Wanted | None:
        """A tenant's task that is followed here already, at its head: nothing has to be read."""
        topic = self._topics.get(channel(id))
        if topic is None or topic.tenant != tenant or topic.head is None:
            return None
        return Wanted(id, topic.head, topic.ended)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Listen, sweep and keep alive, until the block ends."""
        try:
            async with beside(self._listener.run(), self._sweep(), self._turn()):
                yield self
        finally:
            await self._listener.close()

    def drain(self) -> None:
        """End all streams, and new ones at once: the process stops."""
        self.draining = True
        self.leaving = max(self.leaving, self.following)  # they become fewer, their spread must not
        for follower in self._pulse:
            follower.close()

    # --8<-- [start:follow]
    @asynccontextmanager
    async def follow(
        self, tenant: str, wanted: Iterable[Wanted], *, until: float = inf
    ) -> AsyncIterator[Follower]:
        """A reader of tasks until they have ended, or until a moment of the loop's clock.

        The subscriptions hold before the reader looks at the log: nothing falls between them.
        """
        follower = Follower(until)
        places = [Place(self._topic(tenant, one), one.after, follower) for one in wanted]
        number = self._pulse.add(follower)
        self._tenants[tenant] += 1
        follower.left, follower.closed = places, self.draining
        for place in places:
            place.topic.places.add(place)
        try:
            alive = (place.topic.id for place in places if not place.topic.ended)
            await self._listener.join(*map(channel, alive))
            for place in places:
                place.topic.want(place.position)
            yield follower
        finally:
            self._pulse.remove(number)
            self._tenants[tenant] -= 1
            follower.forget()
            now = asyncio.get_running_loop().time()
            for place in places:
                place.topic.places.discard(place)
                place.topic.idle_since = now

    # --8<-- [end:follow]

    async def wait_for_end(self, task: Record, seconds: float) -> None:
        """Return when the task has ended, or after a while, or when nothing can be known."""
        try:
            wanted = [Wanted(task.id, task.last_seq, False)]
            async with asyncio.timeout(seconds), self.follow(task.tenant, wanted) as follower:
                while follower.left and not follower.closed:
                    await follower.next()
        except TimeoutError:
            return
        except Exception as error:
            LOG.warning("not waited: %s", type(error).__name__)

    def _topic(self, tenant: str, wanted: Wanted) -> Topic:
        name, kept = channel(wanted.id), self._knobs.follower_queue
        if name not in self._topics:
            self._topics[name] = Topic(tenant, wanted.id, kept, self._read_log)
            self._topics[name].ended = wanted.final
        return self._topics[name]

    def _heard(self, name: str, payload: bytes) -> None:
        topic = self._topics.get(name)
        wakeup = decode(self._key, payload)
        if topic and wakeup and wakeup.task_id == topic.id:
            topic.hear(wakeup.seq, wakeup.events)

    async def _read_log(self, topic: Topic, after: int, most: int) -> list[Frame]:
        async with self._readers, begin_for(self._engine, topic.tenant) as connection:
            found = await connection.run_sync(
                reads.events_after, topic.tenant, topic.id, after, most
            )
        return [frame(event) for event in found]

    # --8<-- [start:sweep]
    async def _sweep(self) -> None:
        while True:
            wait = self._knobs.sweep if self.up else min(self._knobs.sweep, SWEEP_ALONE)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._sweep_now.wait()
            self._sweep_now.clear()
            try:
                await self._look_at_heads()
            except Exception as error:  # the next round tries again
                LOG.warning("sweep failed: %s", type(error).__name__)

    async def _look_at_heads(self) -> None:
        followed = [topic for topic in self._topics.values() if topic.may_go_on]
        if not followed:
            return
        async with self._readers, one_statement(self._engine) as connection:
            tasks = [(topic.id, topic.tenant) for topic in followed]
            heads = await connection.run_sync(reads.heads, tasks)
        for topic in followed:
            topic.want(heads.get(topic.id, 0))

    # --8<-- [end:sweep]

    async def _turn(self) -> None:
        """One timer for all streams; then tasks that nobody follows any more are dropped."""
        while True:
            await self._pulse.turn()
            long_ago = asyncio.get_running_loop().time() - self._knobs.linger
            idle = [
                name
                for name, topic in self._topics.items()
                if not topic.places and topic.idle_since < long_ago
            ]
            for name in idle:
                del self._topics[name]
            for topic in self._topics.values():
                topic.forget()
            await self._listener.leave(*idle)
