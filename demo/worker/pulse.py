"""The thread beside the work: lease, flush, and an end for a work that heeds nothing."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from demo.settings import Settings
from demo.worker.attempt import Attempt
from demo.worker.interrupts import Canceled, Expired, Interrupted

LOG = logging.getLogger(__name__)


class Pulse(threading.Thread):
    """Beats beside one attempt after another; started once, after the fork.

    A thread of its own for each attempt would cost a short task dearly.
    """

    def __init__(self, every: float) -> None:
        super().__init__(name="pulse", daemon=True)
        self._every = every
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._watch: Watch | None = None

    @contextmanager
    def beside(self, watch: "Watch") -> Iterator[None]:
        """Beat while the block runs; a beat that is under way is waited for."""
        with self._lock:
            self._watch = watch
            self._busy.set()
        try:
            yield
        finally:
            with self._lock:
                self._watch = None

    def run(self) -> None:
        """Sleep while there is no attempt; survive whatever a beat meets."""
        while self._busy.wait():
            time.sleep(self._every)
            with self._lock:
                if self._watch:
                    self._watch.beat()
                else:
                    self._busy.clear()


class Watch:
    """What is due beside one attempt."""

    def __init__(self, attempt: Attempt, knobs: Settings, stall_timeout: float) -> None:
        self._attempt = attempt
        self._knobs = knobs
        self._stall_timeout = knobs.stall_timeout or stall_timeout
        self._parent = os.getppid()
        self._next_beat = time.monotonic() + knobs.heartbeat
        self._stopped_at: float | None = None

    def beat(self) -> None:
        """One look; an outage is waited out, and the next look comes whatever happens."""
        try:
            self._tick(time.monotonic())
        except (SQLAlchemyError, RedisError) as error:
            LOG.warning("pulse of %s: %s", self._attempt.task.id, type(error).__name__)
        except Exception:
            LOG.exception("pulse of %s: a bug", self._attempt.task.id)

    # --8<-- [start:pulse]
    def _tick(self, now: float) -> None:
        self._attempt.flush()
        if now >= self._next_beat:
            self._next_beat = now + self._knobs.heartbeat
            self._attempt.beat()
        if os.getppid() != self._parent:
            self._end_process("its parent is gone")
        if now - self._attempt.touched > self._stall_timeout:
            self._attempt.crashed("stalled")
            self._end_process("no progress")
        self._attempt.look_at_the_clock(now)
        if self._attempt.told in (Canceled, Expired):
            self._stopped_at = self._stopped_at or now
            if now - self._stopped_at > self._knobs.cancel_grace:
                self._stop_by_force()

    # --8<-- [end:pulse]

    def _stop_by_force(self) -> None:
        try:
            self._attempt.give_up(self._attempt.told or Canceled)
        except Interrupted:
            LOG.warning("task %s was taken over while it was stopped", self._attempt.task.id)
        self._end_process("the word to stop was not heeded")

    def _end_process(self, why: str) -> None:
        LOG.error("task %s: %s, the process ends itself", self._attempt.task.id, why)
        os._exit(1)  # nothing else ends a work that blocks
