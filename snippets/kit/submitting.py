"""Rules on the answer to a submission."""

from .evidence import Evidence, accepted, monitor_of, polls
from .reading import absolute, header, text, whole_seconds
from .rules import Finding, Level, NotReached, rule
from .sources import AZURE_CORE, azure, rfc


# --8<-- [start:accepted]
@rule(
    "submit.accepted",
    "A submission is answered 202 Accepted",
    Level.MUST,
    azure("lro-returns-202"),
    rfc(9110, "15.3.3"),
)
def answered_202(evidence: Evidence) -> Finding:
    status = accepted(evidence).status_code
    return Finding(status == 202, f"{status}")


# --8<-- [end:accepted]


@rule(
    "submit.monitor",
    "The answer to a submission is the monitor, with id and status",
    Level.MUST,
    azure("lro-returns-status-monitor"),
)
def carries_the_monitor(evidence: Evidence) -> Finding:
    members = [name for name in ("id", "status") if text(accepted(evidence), name)]
    return Finding(len(members) == 2, ", ".join(members) or "neither")


@rule(
    "submit.operation-location",
    "Operation-Location names the monitor",
    Level.MUST,
    azure("lro-returns-operation-location"),
)
def names_the_monitor(evidence: Evidence) -> Finding:
    there = "Operation-Location" in accepted(evidence).headers
    return Finding(there, "present" if there else "no such header")


@rule(
    "submit.absolute",
    "Operation-Location is an absolute URL",
    Level.MUST,
    azure("lro-returns-operation-location"),
    AZURE_CORE,
)
def names_it_absolutely(evidence: Evidence) -> Finding:
    url = accepted(evidence).headers.get("Operation-Location")
    if url is None:
        raise NotReached("no Operation-Location")
    return Finding(absolute(url), "absolute" if absolute(url) else f"relative: {url}")


@rule(
    "submit.location",
    "Location names where the result will be",
    Level.SHOULD,
    rfc(9110, "10.2.2"),
    AZURE_CORE,
)
def names_the_result(evidence: Evidence) -> Finding:
    there = "Location" in accepted(evidence).headers
    return Finding(there, "present" if there else "no such header")


@rule(
    "submit.retry-after",
    "Retry-After says in whole seconds, 1 or more, when to ask",
    Level.MUST,
    azure("lro-status-monitor-retry-after"),
    rfc(9110, "10.2.3"),
)
def says_when_to_ask(evidence: Evidence) -> Finding:
    answer = accepted(evidence)
    return Finding(whole_seconds(answer), header(answer, "Retry-After"))


@rule(
    "submit.readable",
    "The monitor can be read right after the submission",
    Level.MUST,
    azure("lro-status-monitor-get-returns-200"),
)
def can_be_read_at_once(evidence: Evidence) -> Finding:
    status = polls(evidence)[0].status_code
    return Finding(status < 400, f"{status}")


@rule(
    "submit.same-id",
    "Submission and monitor name the same id",
    Level.MUST,
    azure("lro-status-monitor-includes-all-fields"),
)
def names_one_id(evidence: Evidence) -> Finding:
    monitor_of(evidence, accepted(evidence))
    ids = [text(answer, "id") for answer in (accepted(evidence), polls(evidence)[0])]
    if None in ids:
        raise NotReached("no id in one of them")
    return Finding(ids[0] == ids[1], "the same" if ids[0] == ids[1] else f"{ids[0]} and {ids[1]}")
