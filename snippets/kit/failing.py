"""Rules on tasks that fail, and on the place where `Location` says that the result will be."""

import httpx

from .evidence import Evidence, accepted, again, final, last, monitor_of, once, place, walk
from .reading import member, text, word
from .rules import Finding, Level, NotOffered, NotReached, NotTried, rule
from .sources import AZURE_CORE, aip, azure, rfc

ERROR = (azure("lro-status-monitor-structure"), azure("rest-error-response-body-structure"))


@once
def failing(evidence: Evidence) -> httpx.Response:
    """The answer to the submission of what will fail."""
    if evidence.target.failing is None:
        raise NotTried("--failing names a task that fails")
    return again(evidence).submit(evidence.target.failing)


@once
def failed(evidence: Evidence) -> httpx.Response:
    """The monitor of a task that was accepted and then failed."""
    seen = walk(evidence, monitor_of(evidence, failing(evidence)))
    return last(evidence, seen, "--failing")


@rule(
    "failed.ok",
    "The monitor of a failed task is 200 with the status failed",
    Level.MUST,
    azure("lro-status-monitor-get-returns-200"),
    aip(151),
)
def is_read_like_any_other(evidence: Evidence) -> Finding:
    end = failed(evidence)
    kept = end.status_code == 200 and word(end) == "failed"
    return Finding(kept, f"{end.status_code}, {member(end, 'status')}")


@rule(
    "failed.error",
    "A failed task has an error with code and message, both strings",
    Level.MUST,
    *ERROR,
)
def says_why(evidence: Evidence) -> Finding:
    end = failed(evidence)
    told = [name for name in ("code", "message") if text(end, "error", name)]
    return Finding(len(told) == 2, ", ".join(told) or "neither")


@once
def result(evidence: Evidence) -> str:
    """The result's URL, where it is another one than the monitor's."""
    monitor = monitor_of(evidence, accepted(evidence))
    there = place(accepted(evidence), "Location")
    if there is None or there == monitor:
        raise NotOffered("no Location apart from the monitor")
    return there


@once
def early(evidence: Evidence) -> httpx.Response:
    """The result's place, asked while the task is open."""
    result(evidence)
    answer = again(evidence).submit(evidence.target.body)
    there = place(answer, "Location")
    if there is None:
        raise NotReached("no Location this time")
    return evidence.api.get(there)


@rule(
    "result.open",
    "The result's place is 202 while the task is open",
    Level.SHOULD,
    AZURE_CORE,
    rfc(9110, "15.3.3"),
)
def has_no_result_yet(evidence: Evidence) -> Finding:
    status = early(evidence).status_code
    return Finding(status == 202, f"{status}")


@rule(
    "result.done",
    "The result's place is 200 once the task has succeeded",
    Level.MUST,
    AZURE_CORE,
    rfc(9110, "10.2.2"),
)
def has_a_result(evidence: Evidence) -> Finding:
    final(evidence)
    status = evidence.api.get(result(evidence)).status_code
    return Finding(status == 200, f"{status}")


@rule(
    "result.failed",
    "The result's place is 409 once the task has failed",
    Level.SHOULD,
    rfc(9110, "15.5.10"),
)
def will_have_no_result(evidence: Evidence) -> Finding:
    result(evidence)
    failed(evidence)
    there = place(failing(evidence), "Location")
    if there is None:
        raise NotReached("no Location this time")
    status = evidence.api.get(there).status_code
    return Finding(status == 409, f"{status}")
