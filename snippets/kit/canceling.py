"""Rules on canceling: a task that runs, one that is canceled already, one that has ended."""

import time
from dataclasses import dataclass

import httpx

from .evidence import BETWEEN_POLLS, Evidence, cancel, final, last, once, polls, start_slow, walk
from .reading import ORDER, document, is_open, member, word
from .rules import Finding, Level, NotReached, rule
from .sources import AZURE_CORE, azure, rfc

TO_START = 10  # seconds
DONE = {200, 202, 204}
LRO = azure("lro-status-monitor-structure")


@dataclass(frozen=True, slots=True)
class Canceled:
    """A task from the request to cancel it to its end."""

    asked: httpx.Response
    asked_again: httpx.Response
    polls: list[httpx.Response]


@once
def canceled(evidence: Evidence) -> Canceled:
    """Cancel a running task, twice, and wait for its end."""
    monitor = start_slow(evidence)
    _running(evidence, monitor)
    asked = cancel(evidence, monitor)
    return Canceled(asked, cancel(evidence, monitor), walk(evidence, monitor))


def _running(evidence: Evidence, monitor: str) -> None:
    """Wait until it runs; one that still waits may be canceled too."""
    until = time.monotonic() + TO_START
    now = evidence.api.get(monitor)
    while is_open(now) and ORDER.get(word(now)) == 0 and time.monotonic() < until:
        time.sleep(BETWEEN_POLLS)
        now = evidence.api.get(monitor)
    if not is_open(now):
        raise NotReached("--slow ended before it could be canceled")


@rule(
    "cancel.accepted",
    "A running task can be canceled: 200, 202 or 204",
    Level.MUST,
    rfc(9110, "15.3"),
)
def can_be_canceled(evidence: Evidence) -> Finding:
    status = canceled(evidence).asked.status_code
    return Finding(status in DONE, f"{status}")


@rule(
    "cancel.ends",
    "A canceled task ends as canceled, with one l, its monitor 200",
    Level.MUST,
    LRO,
    AZURE_CORE,
)
def ends_as_canceled(evidence: Evidence) -> Finding:
    end = last(evidence, canceled(evidence).polls, "--slow")
    kept = end.status_code == 200 and word(end) == "canceled"
    return Finding(kept, f"{end.status_code}, {member(end, 'status')}")


@rule(
    "cancel.again",
    "Canceling a task twice does no harm: 2xx or 409",
    Level.SHOULD,
    azure("http-all-methods-idempotent"),
)
def can_be_canceled_again(evidence: Evidence) -> Finding:
    status = canceled(evidence).asked_again.status_code
    return Finding(status in DONE | {409}, f"{status}")


@rule(
    "cancel.late",
    "Canceling an ended task is 2xx or 409 and changes nothing",
    Level.MUST,
    rfc(9110, "15.5.10"),
    LRO,
)
def comes_too_late(evidence: Evidence) -> Finding:
    before = final(evidence)
    status = cancel(evidence, str(polls(evidence)[0].request.url)).status_code
    after = evidence.api.get(str(before.request.url))
    same = document(after) == document(before)
    kept = same and status in DONE | {409}
    return Finding(kept, f"{status}, {'unchanged' if same else member(after, 'status')}")
