"""The process's one Redis connection for wake-ups: channels come and go, loss is noticed."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

LOG = logging.getLogger(__name__)
OWN = b"lro:hub"  # a subscription that never ends keeps the connection in its mode
SILENCE = 15.0  # seconds without a word before the server is asked for one
ANSWER = 3.0
CONFIRMATION = 1.0


class Listener:
    """Hears channels over one connection that is made anew when it breaks.

    `heard` gets a channel's payload; `missed` is called when some may have gone unheard.
    """

    def __init__(
        self, url: str, heard: Callable[[str, bytes], None], missed: Callable[[], None]
    ) -> None:
        # RESP2: on Valkey each RESP3 connection of redis-py 8 begins with an error of its own
        self._redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=2,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        self._heard, self._missed = heard, missed
        self._pubsub: PubSub | None = None
        self._channels: dict[str, asyncio.Event] = {}
        self._late: set[str] = set()

    @property
    def up(self) -> bool:
        """Whether the connection is believed to live."""
        return self._pubsub is not None

    async def run(self) -> None:
        """Listen until canceled."""
        while True:
            try:
                await self._session()
            except (RedisError, OSError) as error:
                if self.up:
                    LOG.warning("wake-ups are cut off: %s", type(error).__name__)
                    self._pubsub = None
                    self._missed()
            await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - spreads reconnects

    async def join(self, *channels: str) -> None:
        """Subscribe, and return when that holds; without a connection, at once."""
        if new := [channel for channel in channels if channel not in self._channels]:
            self._channels |= {channel: asyncio.Event() for channel in new}
            if self._pubsub:
                await _quietly(self._pubsub.subscribe(*new))
        awaited = [one for one in channels if not self._channels[one].is_set()]
        if self._pubsub and awaited:
            try:
                async with asyncio.timeout(CONFIRMATION):
                    for channel in awaited:
                        await self._channels[channel].wait()
            except TimeoutError:
                self._late.update(one for one in awaited if not self._channels[one].is_set())

    async def leave(self, *channels: str) -> None:
        """Let go of channels."""
        for channel in channels:
            self._channels.pop(channel, None)
        self._caught_up(*channels)
        if self._pubsub and channels:
            await _quietly(self._pubsub.unsubscribe(*channels))

    async def close(self) -> None:
        """Give the connection back."""
        await self._redis.aclose()

    async def _session(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(OWN)
            self._pubsub = pubsub
            self._late = set(self._channels)
            for held in self._channels.values():
                held.clear()
            if self._channels:
                await pubsub.subscribe(*self._channels)
            asked = True
            while True:
                message = await pubsub.get_message(timeout=ANSWER if asked else SILENCE)
                if message is None and asked:
                    raise TimeoutError
                asked = message is None
                if message is None:
                    await pubsub.ping()
                elif message["type"] == "message":
                    self._heard(message["channel"].decode(), message["data"])
                elif message["type"] == "subscribe":
                    self._confirmed(message["channel"].decode())

    def _confirmed(self, channel: str) -> None:
        if held := self._channels.get(channel):
            held.set()
        self._caught_up(channel)

    def _caught_up(self, *channels: str) -> None:
        """They hold now, or nobody wants them; after the last one what was missed is looked for."""
        late, self._late = self._late, self._late.difference(channels)
        if late and not self._late:
            self._missed()


async def _quietly(command: Awaitable[Any]) -> None:
    try:
        await command
    except (RedisError, OSError) as error:
        LOG.info("wake-ups: %s", type(error).__name__)  # `run` meets the same and reconnects
