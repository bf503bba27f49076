"""A client that follows a stream to its end, through every cut, as EventSource would."""

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import httpx
from httpx_sse import EventSource


class Follower(threading.Thread):
    """Collects `(id, event, data)` of one task's stream; resumes with Last-Event-ID."""

    def __init__(self, url: str, seconds: float = 300) -> None:
        super().__init__(daemon=True)
        self.frames: list[tuple[str, str, str]] = []
        self.times: list[float] = []
        self.connections = 0
        self.ended = False
        self._url = url
        self._until = time.monotonic() + seconds
        self._response: httpx.Response | None = None

    def run(self) -> None:
        while not self.ended and time.monotonic() < self._until:
            try:
                self._connect()
            except httpx.TransportError:
                time.sleep(0.05)  # the server is being restarted; EventSource waits longer

    def cut(self) -> None:
        """Break the connection, wherever in a frame it is."""
        if response := self._response:
            with suppress(OSError, AttributeError):  # it is closed already
                broken: socket.socket = response.extensions["network_stream"].get_extra_info(
                    "socket"
                )
                broken.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        last = {"Last-Event-ID": self.frames[-1][0]} if self.frames else {}
        limits = httpx.Timeout(30)
        # nothing to verify on http://; reading the system's certificates takes longer than all else
        with httpx.stream(
            "GET", self._url, headers=last, timeout=limits, verify=False, trust_env=False
        ) as response:
            self.ended = response.status_code == 204
            if response.status_code != 200:
                time.sleep(0 if self.ended else 0.1)
                return
            self.connections += 1
            self._response = response
            for frame in EventSource(response).iter_sse():
                self.frames.append((frame.id, frame.event, frame.data))
                self.times.append(time.monotonic())

    def faults(self, events: list[dict[str, Any]]) -> list[str]:
        """Differences between what was streamed and the log: lost, doubled, out of order (I5)."""
        seen = [json.loads(data) for _, _, data in self.frames]
        found = [] if seen == events else [f"I5: streamed {len(seen)} of {len(events)} events"]
        kinds = [(id, event) for id, event, _ in self.frames]
        told = [(str(event["seq"]), event["type"]) for event in events]
        return found if kinds == told else [*found, "I5: ids or types differ"]
