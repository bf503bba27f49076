"""Rules of HTTP itself, the last two on all answers that there were."""

import httpx

from .evidence import Evidence, polls
from .reading import header
from .rules import Finding, Level, NotReached, rule
from .sources import FETCH_NOSNIFF, rfc


def _monitor(evidence: Evidence) -> str:
    return str(polls(evidence)[0].request.url)


@rule("http.head", "HEAD of the monitor is GET without a body", Level.SHOULD, rfc(9110, "9.3.2"))
def has_a_head(evidence: Evidence) -> Finding:
    answer = evidence.api.ask("HEAD", _monitor(evidence))
    return Finding(answer.status_code == 200 and not answer.content, f"{answer.status_code}")


@rule(
    "http.options",
    "OPTIONS of the monitor names its methods in Allow",
    Level.MAY,
    rfc(9110, "9.3.7"),
)
def has_options(evidence: Evidence) -> Finding:
    answer = evidence.api.ask("OPTIONS", _monitor(evidence))
    kept = answer.status_code < 500 and "GET" in answer.headers.get("Allow", "")
    return Finding(kept, f"{answer.status_code}, {header(answer, 'Allow')}")


@rule(
    "http.nosniff",
    "Each answer forbids guessing its type (X-Content-Type-Options)",
    Level.SHOULD,
    FETCH_NOSNIFF,
)
def forbids_sniffing(evidence: Evidence) -> Finding:
    answers = [answer for answer in _all(evidence) if "Content-Type" in answer.headers]
    without = sum(a.headers.get("X-Content-Type-Options") != "nosniff" for a in answers)
    return Finding(not without, f"{without} without" if without else "each")


@rule("http.no-5xx", "No request of this kit was answered 5xx", Level.MUST, rfc(9110, "15.6"))
def never_failed(evidence: Evidence) -> Finding:
    found = [
        f"{answer.status_code} for {answer.request.method} {answer.request.url.path}"
        for answer in _all(evidence)
        if answer.status_code >= 500
    ]
    return Finding(not found, found[0] if found else "none")


def _all(evidence: Evidence) -> list[httpx.Response]:
    if not evidence.api.answers:
        raise NotReached("no answer at all")
    return evidence.api.answers
