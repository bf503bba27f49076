"""Short words for tests that submit to the running stack and then break it."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from tests.stack import eventually
from tests.system.follower import Follower
from tests.system.history import FINAL, faults

Json = dict[str, Any]


@dataclass
class Client:
    """A client of the stack's API that remembers what it was promised."""

    http: httpx.Client
    promised: list[Json] = field(default_factory=list)

    def submit(self, kind: str = "rehearsal", **input: Any) -> Json:
        answer = self.http.post("/tasks", json={"kind": kind, "input": input})
        assert answer.status_code == 202, answer.text
        self.promised.append(answer.json())
        return self.promised[-1]

    def get(self, task: Json) -> Json:
        return self._asked(f"/tasks/{task['id']}")

    def cancel(self, task: Json) -> httpx.Response:
        return self.http.post(f"/tasks/{task['id']}/cancel")

    def events(self, task: Json) -> list[Json]:
        found: list[Json] = []
        url: str | None = f"/tasks/{task['id']}/events?limit=500"
        while url:
            page = eventually(partial(self._answered, url), what="the API is away")
            found += page["items"]
            url = page.get("next")
        return found

    def _asked(self, url: str) -> Json:
        found: Json = self.http.get(url).raise_for_status().json()
        return found

    def _answered(self, url: str) -> Json | None:
        """None while the API is being restarted."""
        with suppress(httpx.HTTPError):
            return self._asked(url)
        return None

    def follow(self, task: Json) -> Follower:
        follower = Follower(str(self.http.base_url.join(f"/tasks/{task['id']}/stream")))
        follower.start()
        return follower

    def until(self, task: Json, holds: Callable[[Json], bool], seconds: float = 90) -> Json:
        """Poll until the monitor is as wanted; the API itself may be away meanwhile."""
        end = time.monotonic() + seconds
        now: Json = {}
        while time.monotonic() < end:
            try:
                now = self.get(task)
                if holds(now):
                    return now
            except httpx.HTTPError:
                pass
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} s: {now}")

    def at_step(self, task: Json, step: int) -> Json:
        return self.until(task, lambda now: now["progress"]["step"] >= step)

    def settle(self, task: Json, follower: Follower | None = None, seconds: float = 90) -> Json:
        """Wait for the end, then check all that must hold of the history and the stream."""
        ended = self.until(task, lambda now: now["status"] in FINAL, seconds)
        events = self.events(task)
        assert faults(ended, events) == []
        if follower:
            follower.join(60)
            assert follower.ended, "the stream was not ended by 204"
            assert follower.faults(events) == []
        return ended


@pytest.fixture
def client(stack: Any) -> Iterator[Client]:
    """A client; after the test, every promise it got must have been kept (invariant I1)."""
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as http:
        made = Client(http)
        yield made
        for task in made.promised:
            made.until(task, lambda now: now["status"] in FINAL)
