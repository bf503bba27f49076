"""What a work said and the store doesn't know yet."""

import threading
from typing import Any

from demo.contract import Log, Progress
from demo.store.statements import event

LONGEST_LINE = 8_192
MOST_LINES = 10_000


class Buffer:
    """Log lines in order, and the newest progress; filled and drained by different threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._progress: dict[str, Any] = {}
        self._taken = 0
        self._lines = 0

    @property
    def empty(self) -> bool:
        """Nothing waits to be written."""
        return not self._events

    def add(self, news: Progress | Log) -> None:
        """Keep a line, or merge progress with what came right before it."""
        with self._lock:
            if isinstance(news, Log):
                self._add_line(news)
            else:
                self._merge(news)

    def _add_line(self, line: Log) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            return
        last = self._lines == MOST_LINES
        text = "Further lines are not kept." if last else line.message[:LONGEST_LINE]
        self._events.append(event("log", level=line.level, message=text.replace("\0", "")))

    def _merge(self, news: Progress) -> None:
        told = {"percent": news.percent, "message": news.message}
        self._progress |= {name: value for name, value in told.items() if value is not None}
        mergeable = len(self._events) > self._taken and self._events[-1]["type"] == "progress"
        if mergeable:
            self._events.pop()
        self._events.append(event("progress", **self._progress))

    def peek(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What is to be written; it stays until dropped, so that a failed write loses nothing."""
        with self._lock:
            self._taken = len(self._events)
            return list(self._events), dict(self._progress)

    def drop(self, written: int) -> None:
        """Forget what was committed."""
        with self._lock:
            del self._events[:written]
            self._taken = 0
