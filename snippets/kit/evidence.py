"""What the rules look at: tasks of different fates, each made once, when first asked for."""

import functools
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urljoin

import httpx

from .asking import Api
from .reading import document, ended, is_open, text, word
from .rules import NoFinding, NotOffered, NotReached, NotTried
from .target import Target

T = TypeVar("T")
BETWEEN_POLLS = 0.25  # seconds; short tasks must be seen in each status


class Evidence:
    """One API, and what is known of it so far."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.api = Api(target, target.token)
        self.known: dict[Callable[..., Any], Any] = {}
        self.left_open: list[str] = []

    def __enter__(self) -> "Evidence":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave no task running behind."""
        for monitor in self.left_open:
            try:
                cancel(self, monitor)
            except (NoFinding, httpx.HTTPError, httpx.InvalidURL, ValueError):
                break
        self.api.close()


def once(find: Callable[[Evidence], T]) -> Callable[[Evidence], T]:
    """Find something out once for all rules, the failure to do so included."""

    @functools.wraps(find)
    def known(evidence: Evidence) -> T:
        if find not in evidence.known:
            try:
                evidence.known[find] = find(evidence)
            except Exception as error:  # raised below, for each rule that asks
                evidence.known[find] = error
        found = evidence.known[find]
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    return known


# --8<-- [start:evidence]
@once
def accepted(evidence: Evidence) -> httpx.Response:
    """The answer to a submission."""
    return evidence.api.submit(evidence.target.body)


@once
def polls(evidence: Evidence) -> list[httpx.Response]:
    """The monitor, from right after the submission to the end of the task."""
    return walk(evidence, monitor_of(evidence, accepted(evidence)))


@once
def final(evidence: Evidence) -> httpx.Response:
    """The monitor of the task that ended, however it spells that."""
    return last(evidence, polls(evidence), "--body")


# --8<-- [end:evidence]


def again(evidence: Evidence) -> Api:
    """The API, for more requests once it has answered the first."""
    accepted(evidence)
    return evidence.api


def monitor_of(evidence: Evidence, answer: httpx.Response) -> str:
    """Where the monitor of a submitted task is."""
    if told := place(answer, "Operation-Location"):
        return told
    if template := evidence.target.monitor:
        return evidence.api.absolute(_filled(template, answer))
    raise NotReached("no Operation-Location; --monitor /jobs/{id} would say where it is")


def place(answer: httpx.Response, header: str) -> str | None:
    """The URL in a header, even when it is relative and should not be."""
    told = answer.headers.get(header)
    try:
        return str(urljoin(str(answer.request.url), told)) if told else None
    except ValueError:
        raise NotReached(f"{header} is no URL") from None


def _filled(template: str, answer: httpx.Response) -> str:
    """A path with members of the answer in it."""
    members = {name: str(value) for name, value in document(answer).items()}
    if lacking := [name for name in re.findall(r"{(\w+)}", template) if name not in members]:
        raise NotReached(f"the answer to the submission has no {', '.join(lacking)}")
    return re.sub(r"{(\w+)}", lambda found: members[found[1]], template)


def walk(evidence: Evidence, monitor: str) -> list[httpx.Response]:
    """Poll to the end, or until time is up."""
    until = time.monotonic() + evidence.target.timeout
    seen = [evidence.api.get(monitor)]
    while not ended(seen[-1]) and time.monotonic() < until:
        time.sleep(BETWEEN_POLLS)
        seen.append(evidence.api.get(monitor))
    return seen


def last(evidence: Evidence, seen: list[httpx.Response], option: str) -> httpx.Response:
    """The monitor at the end of a walk."""
    if is_open(seen[-1]):
        seconds = f"{evidence.target.timeout:g} s"
        raise NotReached(f"{option} is still {word(seen[-1])!r} after {seconds}")
    return seen[-1]


def start_slow(evidence: Evidence) -> str:
    """Submit a task that stays open; returns its monitor."""
    if evidence.target.slow is None:
        raise NotTried("--slow names a task that runs long enough")
    monitor = monitor_of(evidence, evidence.api.submit(evidence.target.slow))
    evidence.left_open.append(monitor)
    return monitor


def cancel(evidence: Evidence, monitor: str) -> httpx.Response:
    """Ask for the end of a task."""
    method, url = "POST", text(evidence.api.get(monitor), "links", "cancel")
    if evidence.target.cancel:
        method, url = evidence.target.cancel.split(None, 1)
    if not url:
        raise NotOffered("no links.cancel in the monitor and no --cancel")
    return evidence.api.ask(method, url.replace("{monitor}", monitor))
