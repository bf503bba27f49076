"""Asking an API over HTTP: the token stays with the host it is for, no redirect is followed."""

import json
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any

import httpx

from .target import Target

ONE_ANSWER = 30  # seconds; a submission that may wait for ten has room
HERE = {"127.0.0.1", "localhost", "::1"}


class Bearer(httpx.Auth):
    """A token for one origin: a monitor's URL may lead anywhere."""

    def __init__(self, token: str | None, origin: httpx.URL) -> None:
        self._token = token
        self._origin = origin

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if self._token and _origin(request.url) == _origin(self._origin):
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class Api:
    """One API as one caller sees it; keeps every answer."""

    def __init__(self, target: Target, token: str | None) -> None:
        base = httpx.URL(target.base)
        self.target = target
        self.answers: list[httpx.Response] = []
        self._client = httpx.Client(
            auth=Bearer(token, base),
            timeout=ONE_ANSWER,
            trust_env=base.host not in HERE,
            event_hooks={"response": [self.answers.append]},
        )

    def ask(self, method: str, url: str, **how: Any) -> httpx.Response:
        """One request; the URL may be relative to the API's base."""
        return self._client.request(method, self.absolute(url), **how)

    def get(self, url: str, **headers: str) -> httpx.Response:
        """GET, with headers by name: `Last_Event_ID`."""
        return self.ask("GET", url, headers=named(headers))

    def submit(self, body: Any, **headers: str) -> httpx.Response:
        """Submit a task, with headers by name: `Idempotency_Key`."""
        return self.send(json.dumps(body), "application/json", **headers)

    def send(self, text: str, media_type: str, **headers: str) -> httpx.Response:
        """Send any text to where tasks are submitted."""
        return self.ask(
            self.target.method,
            self.target.path,
            content=text.encode(),
            headers={"Content-Type": media_type, **named(headers)},
        )

    def open(
        self, url: str, silence: float, **headers: str
    ) -> AbstractContextManager[httpx.Response]:
        """A stream, given up after so many seconds of silence."""
        told = {"Accept": "text/event-stream", **named(headers)}
        timeout = httpx.Timeout(ONE_ANSWER, read=silence)
        return self._client.stream("GET", self.absolute(url), headers=told, timeout=timeout)

    def absolute(self, url: str) -> str:
        """A URL that can be asked."""
        return url if "://" in url else self.target.base + "/" + url.lstrip("/")

    def close(self) -> None:
        self._client.close()


def named(headers: dict[str, str]) -> dict[str, str]:
    """Keyword arguments as header names."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
