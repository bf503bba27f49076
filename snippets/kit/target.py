"""What the kit has to be told of an API, on a command line or in a pytest run."""

import json
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# --8<-- [start:options]
OPTIONS: dict[str, tuple[Any, str]] = {
    "submit": ("POST /tasks", "method and path that submit a task"),
    "body": (None, "a task of a second or two, which succeeds"),
    "slow": (None, "a task that is still running after a minute, quietly; it gets canceled"),
    "failing": (None, "a task that is accepted and then fails"),
    "bad": (None, "a body that must be refused; default: {}"),
    "kind": (None, 'wraps each of these bodies as {"kind": KIND, "input": BODY}'),
    "monitor": (None, "where the monitor is when no Operation-Location says so: /jobs/{id}"),
    "cancel": (None, "method and URL; default: the monitor's links.cancel: POST {monitor}/cancel"),
    "stream": (None, "URL; default: the monitor's links.stream: {monitor}/stream"),
    "list": (None, "URL of a page of one task; default: the path of --submit with ?limit=1"),
    "token-env": (None, "environment variable that holds a bearer token"),
    "other-token-env": (None, "the same for somebody who must not see the first one's tasks"),
    "keep-alive": (0.0, "seconds to wait for a comment on a quiet stream; 0: not tried"),
    "timeout": (60.0, "seconds within which --body and --failing end"),
}
# --8<-- [end:options]


@dataclass(frozen=True)
class Target:
    """An API and how to use it."""

    base: str
    method: str
    path: str
    body: Any
    slow: Any
    failing: Any
    bad: Any
    monitor: str | None
    cancel: str | None
    stream: str | None
    list: str
    token: str | None
    other_token: str | None
    keep_alive: float
    timeout: float

    @classmethod
    def told(cls, base: str, options: Mapping[str, Any]) -> "Target":
        """From options by the names above.

        Raises:
            ValueError: what was told makes no sense; the message says what.
        """
        method, path = _two(options["submit"], "--submit")
        wrap = _wrapper(options["kind"])
        body = _body(options["body"], wrap)
        if body is None:
            raise ValueError("a task to submit is needed: --body JSON or --body FILE")
        bad = _body(options["bad"], wrap)
        return cls(
            base=base.rstrip("/"),
            method=method,
            path=path,
            body=body,
            slow=_body(options["slow"], wrap),
            failing=_body(options["failing"], wrap),
            bad={} if bad is None else bad,
            monitor=options["monitor"],
            cancel=options["cancel"],
            stream=options["stream"],
            list=options["list"] or f"{path}?limit=1",
            token=_secret(options["token-env"]),
            other_token=_secret(options["other-token-env"]),
            keep_alive=float(options["keep-alive"]),
            timeout=float(options["timeout"]),
        )


def _two(text: str, option: str) -> tuple[str, str]:
    match shlex.split(text):
        case [method, path] if path.startswith("/"):
            return method.upper(), path
    raise ValueError(f"{option} takes a method and a path: 'POST /tasks'")


def _wrapper(kind: str | None) -> Callable[[Any], Any]:
    return (lambda body: {"kind": kind, "input": body}) if kind else (lambda body: body)


def _body(told: str | None, wrap: Callable[[Any], Any]) -> Any:
    """JSON itself, or a file of it."""
    if told is None:
        return None
    text = told if told.lstrip()[:1] in {"{", "["} else Path(told).read_text("utf-8")
    try:
        return wrap(json.loads(text))
    except ValueError as wrong:
        raise ValueError(f"not JSON: {told} ({wrong})") from wrong


def _secret(variable: str | None) -> str | None:
    """Tokens come from the environment: a command line is for everyone to see."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise ValueError(f"the environment has no {variable}")
    return os.environ[variable]
