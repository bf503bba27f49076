"""Dispatch and reap: two small loops, in any number of copies, without a leader."""

import logging
import signal
import threading
import time
from collections.abc import Callable

from kombu.exceptions import OperationalError
from redis.client import PubSub
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from demo import telemetry
from demo.blobs import Blobs
from demo.broker import Broker, send_hint
from demo.contract import TransientFailure
from demo.settings import Settings, settings
from demo.store import dispatching, losses
from demo.store.engines import begin, engine, once
from demo.store.records import Record
from demo.sweeping import sweep
from demo.wakeups import DISPATCH, Publisher, connect

LOG = logging.getLogger(__name__)
SOON = 0.015


class Dispatcher:
    """Sends hints for due rows while the queues are short."""

    def __init__(self, source: Engine, broker: Broker, knobs: Settings) -> None:
        self._source = source
        self._broker = broker
        self._knobs = knobs
        self.pause = knobs.poll

    def turn(self) -> int:
        """One look at all queues; returns how many hints were sent.

        A full queue is looked at again soon, for short tasks drain it in no time; while it stays
        full, less and less often.
        """
        self._recover()
        waiting = self._broker.waiting()
        sent = {queue: self._send(queue, length) for queue, length in waiting.items()}
        full = any(waiting[queue] + sent[queue] >= self._knobs.window for queue in sent)
        longer = SOON if any(sent.values()) else 2 * self.pause
        self.pause = min(longer, self._knobs.poll) if full else self._knobs.poll
        return sum(sent.values())

    # --8<-- [start:recover]
    def _recover(self) -> None:
        with once(self._source) as connection:
            sent = dispatching.memory(connection)
        if sent.lost_in(self._broker.memory()):
            self._broker.refuse_eviction()
            LOG.warning("the broker forgot: all queued tasks are due")
            with begin(self._source) as connection:
                fresh = dispatching.start_over(connection)
            self._broker.begin(fresh)  # the rows first: a crash here only repeats this

    # --8<-- [end:recover]

    # --8<-- [start:dispatch]
    def _send(self, queue: str, waiting: int) -> int:
        room = self._knobs.window - waiting
        if room <= 0:
            return 0
        with once(self._source) as connection:
            hints = dispatching.due(
                connection,
                queue,
                room,
                first=self._knobs.backoff_first,
                last=self._knobs.backoff_last,
                cap=self._knobs.tenant_cap,
            )
        if not hints:
            return 0
        counted = self._broker.count(len(hints))  # committed: no message under a row lock
        for hint in hints:
            with telemetry.span("dispatch", hint.traceparent, task_id=str(hint.id)):
                send_hint(hint, telemetry.traceparent())
        if counted:
            with once(self._source) as connection:
                dispatching.remember(connection, counted)
        return len(hints)

    # --8<-- [end:dispatch]


# --8<-- [start:reaper]
class Reaper:
    """Takes tasks from holders whose lease is past due, once leases prove something again."""

    def __init__(self, source: Engine, publisher: Publisher, knobs: Settings) -> None:
        self._source = source
        self._publisher = publisher
        self._knobs = knobs
        self._reachable_since: float | None = None

    def turn(self) -> int:
        """One look; returns how many tasks were found late or held by the dead."""
        try:
            with begin(self._source) as connection:
                reaped = losses.expire(connection) + self._reap(connection)
        except SQLAlchemyError:
            self._reachable_since = None
            raise
        self._publisher.publish(*reaped)
        if reaped:
            self._publisher.nudge()
        return len(reaped)

    def _reap(self, connection: Connection) -> list[Record]:
        now = time.monotonic()
        self._reachable_since = self._reachable_since or now
        up = min(now - self._reachable_since, losses.database_age(connection))
        if up < self._knobs.lease:
            return []  # nobody could renew a lease while PostgreSQL was away
        return losses.reap(connection, budget=self._knobs.crash_budget)


# --8<-- [end:reaper]


class Nudges:
    """Wake-ups from the API and from workers; a poll where they fail."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._subscription: PubSub | None = None

    def wait(self, stopping: threading.Event, seconds: float) -> None:
        """Return at a nudge, or after a while."""
        try:
            if self._subscription is None:
                self._subscription = self._redis.pubsub(  # type: ignore[no-untyped-call]
                    ignore_subscribe_messages=True
                )
                self._subscription.subscribe(DISPATCH)
            if self._subscription.get_message(timeout=seconds):
                while self._subscription.get_message(timeout=0):
                    pass
        except RedisError:
            self._subscription = None
            stopping.wait(seconds)


def forever(
    name: str,
    turn: Callable[[], int],
    wait: Callable[[threading.Event], object],
    stopping: threading.Event,
) -> None:
    """Take turns until told to stop; an outage is said once, and survived."""
    down = False
    while not stopping.is_set():
        try:
            turn()
            if down:
                LOG.warning("%s: goes on", name)
            down = False
        except (SQLAlchemyError, RedisError, OperationalError, TransientFailure) as error:
            if not down:
                LOG.warning("%s: waits for %s", name, type(error).__name__)
            down = True
            stopping.wait(0.5)
        wait(stopping)


def main() -> None:
    """Run dispatch, reap and purge until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    knobs = settings()
    telemetry.start("dispatcher")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    redis_url = knobs.redis_url.get_secret_value()
    source = engine(knobs.database_url.get_secret_value())
    publisher = Publisher(redis_url, knobs.signing_key())
    broker = Broker(redis_url)
    dispatcher = Dispatcher(source, broker, knobs)
    reaper, blobs = Reaper(source, publisher, knobs), Blobs(knobs)

    def purge() -> int:
        with begin(source) as connection:
            return dispatching.purge(
                connection, days=knobs.retention_days, audit_days=knobs.audit_days
            )

    threads = [
        threading.Thread(target=forever, args=(name, turn, lambda s, n=pause: s.wait(n), stopping))
        for name, turn, pause in (
            ("reap", reaper.turn, 1.0),
            ("purge", purge, 600.0),
            ("sweep", lambda: sweep(source, blobs), 600.0),
        )
    ]
    for thread in threads:
        thread.start()
    nudges = Nudges(redis_url)
    forever("dispatch", dispatcher.turn, lambda s: nudges.wait(s, dispatcher.pause), stopping)
    for thread in threads:
        thread.join()
    publisher.close()
    broker.close()
    telemetry.stop()
