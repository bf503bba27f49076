"""The clients: each submits one task, follows, polls and perhaps cancels it, through all faults."""

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.system.follower import Follower
from tests.system.history import FINAL

Json = dict[str, Any]
UNANSWERED = {502, 503, 504}
IN_FLIGHT = 409


@dataclass(eq=False, repr=False)
class Client(threading.Thread):
    """One client, what it was told, and what it saw."""

    number: int
    http: httpx.Client
    rng: Random
    over: threading.Event
    step_seconds: tuple[float, float]
    ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    canceled: tuple[int, str] | None = None
    seen: list[Json] = field(default_factory=list)
    follower: Follower | None = None
    retries: int = 0

    def __post_init__(self) -> None:
        super().__init__(name=f"client {self.number}", daemon=True)
        self.key = f"chaos-{self.number}"
        self.input = _drawn(self.rng, self.step_seconds)
        hopeless = self.input.get("failure") == "transient"  # it would be tried for an hour
        self.cancels = hopeless or self.rng.random() < 0.25
        self._cancel_at = self.rng.uniform(0, 6) if self.cancels else float("inf")
        self._repeats = self.rng.random() < 0.1

    @property
    def id(self) -> str:
        """Its task's id, or its key while it has none."""
        return self.ids[0] if self.ids else self.key

    @property
    def ended(self) -> bool:
        """It has seen a final status."""
        return bool(self.seen) and self.seen[-1]["status"] in FINAL

    def run(self) -> None:
        """Submit, and stay until the end."""
        self._submit()
        if self.ids and self._repeats:  # as if the answer had been lost
            self._submit()
        if not self.ids:
            return
        url = f"{self.http.base_url}".rstrip("/") + f"/tasks/{self.id}/stream"
        self.follower = Follower(url, seconds=3600)
        self.follower.start()
        cut_at, cancel_at = self._soon(), time.monotonic() + self._cancel_at
        while not self.ended and not self.over.wait(self.rng.uniform(0.3, 1)):
            self._look()
            if time.monotonic() > cut_at:
                self.follower.cut()
                cut_at = self._soon()
            if time.monotonic() > cancel_at and not self.canceled:
                self._cancel()

    def _soon(self) -> float:
        return time.monotonic() + self.rng.uniform(1, 6)

    def _submit(self) -> None:
        order = {"kind": "rehearsal", "input": self.input}
        while not self.over.is_set():
            answer = self._asked(
                "POST", "/tasks", json=order, headers={"Idempotency-Key": self.key}
            )
            if answer is not None and answer.status_code == 202:
                return self.ids.append(answer.json()["id"])
            if answer is not None and answer.status_code != IN_FLIGHT:
                return self.refused.append(f"POST: {answer.status_code} {answer.text}")
            self.retries += 1
            time.sleep(self.rng.uniform(0.1, 0.4))
        return None

    def _look(self) -> None:
        answer = self._asked("GET", f"/tasks/{self.id}")
        if answer is not None and answer.status_code == 200:
            self.seen.append(answer.json())
        elif answer is not None:
            self.refused.append(f"GET: {answer.status_code} {answer.text}")

    def _cancel(self) -> None:
        answer = self._asked("POST", f"/tasks/{self.id}/cancel")
        if answer is None:
            return
        body = answer.json()
        if answer.status_code < 300:
            self.canceled = (answer.status_code, body["status"])
        elif answer.status_code == 409:
            self.canceled = (409, body["detail"])
        else:
            self.refused.append(f"cancel: {answer.status_code} {answer.text}")

    def _asked(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """The answer, if there is one: 503 says that nothing was done, or that nobody knows."""
        try:
            answer = self.http.request(method, path, **options)
        except httpx.TransportError:
            return None
        return None if answer.status_code in UNANSWERED else answer


def _drawn(rng: Random, step_seconds: tuple[float, float]) -> Json:
    steps = rng.randint(4, 12)
    drawn: Json = {"steps": steps, "step_seconds": round(rng.uniform(*step_seconds), 2)}
    if rng.random() < 0.4:
        drawn["log_lines"] = rng.randint(1, 3)
    fate = rng.random()
    for failure, share in (("permanent", 0.08), ("transient", 0.14), ("crash", 0.17)):
        if fate < share:
            return {**drawn, "fail_at": rng.randint(1, steps), "failure": failure}
    return drawn
