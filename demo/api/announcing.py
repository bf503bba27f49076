"""Wake-ups of the API: sent after COMMIT, beside the request, or not at all."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

from demo.settings import Settings
from demo.store.records import Record
from demo.wakeups import Publisher

IN_FLIGHT = 256
AT_MOST_EVERY = 0.05  # seconds: one nudge is as good as fifty


class Announcer:
    """Hands wake-ups to a thread: a dead or frozen broker costs no request anything."""

    def __init__(self, knobs: Settings) -> None:
        self._publisher = Publisher(knobs.redis_url.get_secret_value(), knobs.signing_key())
        self._thread = ThreadPoolExecutor(1, "wake-ups")
        self._room = Semaphore(IN_FLIGHT)
        self._resting: asyncio.TimerHandle | None = None
        self._due = False

    # --8<-- [start:announce]
    def announce(self, task: Record) -> None:
        """Tell followers what was committed."""
        if self._room.acquire(blocking=False):  # else dropped: the sweep finds it
            self._thread.submit(self._say, task)

    def nudge(self) -> None:
        """Tell dispatchers that a task is due; nobody can follow one yet whose id is not told."""
        self._due = True
        if self._resting is None:
            self._tell_dispatchers()

    # --8<-- [end:announce]

    def _tell_dispatchers(self) -> None:
        self._resting = None
        if self._due and self._room.acquire(blocking=False):
            self._due = False
            self._thread.submit(self._say, None)
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(AT_MOST_EVERY, self._tell_dispatchers)

    def _say(self, task: Record | None) -> None:
        try:
            if task:
                self._publisher.publish(task)
            else:
                self._publisher.nudge()
        finally:
            self._room.release()

    def close(self) -> None:
        """Drop what is not sent yet."""
        if self._resting:
            self._resting.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
