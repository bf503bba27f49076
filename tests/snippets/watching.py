"""What a reader of a stream sees behind a proxy: live, frozen or cut."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from tests.stack import eventually

PASSED_BY = 20  # events that a live reader would have had by now; fewer than fill a buffer


@dataclass
class Reader:
    """Reads a stream in the background until it ends, or until its proxy does."""

    url: str
    two: bool
    protocol: str | None = None
    encoding: str | None = None
    ended: float | None = None
    comments: int = 0
    lateness: list[float] = field(default_factory=list)
    newest: int = 0

    def __post_init__(self) -> None:
        self.began = time.time()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def expected(self) -> str:
        """The version of HTTP that it asked for."""
        return "HTTP/2" if self.two else "HTTP/1.1"

    def _run(self) -> None:
        with (
            suppress(httpx.HTTPError),
            httpx.Client(trust_env=False, http1=not self.two, http2=self.two, timeout=60) as client,
            client.stream("GET", self.url) as answer,
        ):
            self.protocol = answer.http_version
            self.encoding = answer.headers.get("content-encoding")
            for line in answer.iter_lines():
                self._take(line)
        self.ended = time.time()

    def _take(self, line: str) -> None:
        if line.startswith(":"):
            self.comments += 1
        if line.startswith("data:"):
            event = json.loads(line.removeprefix("data:"))
            self.newest = event["seq"]
            late = time.time() - datetime.fromisoformat(event["at"]).timestamp()
            if late < time.time() - self.began:  # it happened while we were looking
                self.lateness.append(late)

    def watch(self, control: "Reader", since: int, *, events: int = 0, comments: int = 0) -> str:
        """Wait for one of the three; a frozen stream is one that others have long passed by."""

        def outcome() -> str | None:
            if self.ended:
                return "cut"
            if len(self.lateness) >= events and self.comments >= comments:
                return "live"
            if events and not self.newest and control.newest >= since + PASSED_BY:
                return "frozen"
            return None

        return eventually(outcome, within=60)
