"""Wake-ups: signed Redis publications that say "there is something new". Never the truth."""

import hmac
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

from demo.store.records import Record, Written

LOG = logging.getLogger(__name__)
DISPATCH = "lro:dispatch"
LARGEST = 8_192


def channel(task_id: UUID) -> str:
    """The channel of one task."""
    return f"lro:task:{task_id}"


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Something new of a task: up to number `seq`, with the events where they fit."""

    task_id: UUID
    seq: int
    events: tuple[dict[str, Any], ...] = ()


# --8<-- [start:wakeup]
def encode(key: bytes, task: Record | Written) -> bytes:
    """What a COMMIT made visible, signed; above 8 KB only its number."""
    news = {"task": str(task.id), "seq": task.last_seq, "events": task.committed}
    body = json.dumps(news, separators=(",", ":")).encode()
    if len(body) > LARGEST:
        body = json.dumps({**news, "events": []}, separators=(",", ":")).encode()
    return _signature(key, body) + body


def decode(key: bytes, payload: bytes) -> Wakeup | None:
    """None for what was not signed with the key: a forged wake-up is worth nothing."""
    signature, body = payload[:32], payload[32:]
    if not hmac.compare_digest(signature, _signature(key, body)):
        return None
    news = json.loads(body)
    return Wakeup(UUID(news["task"]), news["seq"], tuple(news["events"]))


# --8<-- [end:wakeup]


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")


def connect(url: str) -> Redis:
    """A Redis client that gives up soon: everything said here is only a hint."""
    # RESP2: on Valkey each RESP3 connection of redis-py 8 begins with an error of its own
    return Redis.from_url(
        url,
        protocol=2,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=1,
        health_check_interval=10,
        retry=Retry(NoBackoff(), 0),
    )


class Publisher:
    """Publishes what was committed; best effort, and silent for a while after a failure."""

    def __init__(self, url: str, key: bytes, *, pause: float = 2) -> None:
        self._redis = connect(url)
        self._key = key
        self._pause = pause
        self._quiet_until = 0.0
        self._line: Any = None
        self._owed = False  # an answer that was not read yet
        self._lock = threading.Lock()

    def publish(self, *tasks: Record | Written) -> None:
        """Tell the followers of each task what its COMMIT made visible."""
        for task in tasks:
            if task.committed:
                self._say(channel(task.id), encode(self._key, task))

    def nudge(self) -> None:
        """Tell the dispatchers that a row is due."""
        self._say(DISPATCH, b"")

    def close(self) -> None:
        """Hang up; the next word would connect again."""
        with self._lock:
            if self._line is not None:
                self._line.disconnect()
        self._redis.close()

    def _say(self, where: str, what: bytes) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._send(where, what)
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + self._pause
            LOG.warning("wake-up not sent: %s", type(error).__name__)

    def _send(self, where: str, what: bytes) -> None:
        """Nobody waits for the answer: it is read before the next one is sent."""
        with self._lock:
            if self._line is None:
                self._line = self._redis.connection_pool.get_connection()
            owed, self._owed = self._owed, False
            if owed:
                self._read_answer(self._line)
            try:
                self._line.send_command("PUBLISH", where, what)
            except (RedisError, OSError):
                self._line.disconnect()
                raise
            self._owed = True

    @staticmethod
    def _read_answer(line: Any) -> None:
        try:
            line.read_response()
            if line.can_read():
                raise ConnectionError
        except (RedisError, OSError):
            line.disconnect()  # the next command connects
