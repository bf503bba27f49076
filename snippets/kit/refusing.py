"""Rules on requests that must be refused, and on how a refusal reads."""

import json
from collections.abc import Iterator

import httpx

from .evidence import Evidence, accepted, again, once, polls
from .reading import another_id, header, member, problem, text
from .rules import Finding, Level, NotOffered, NotReached, rule
from .sources import aip, azure, rfc

INVALID = {400, 422}


@once
def malformed(evidence: Evidence) -> httpx.Response:
    """A body that ends in the middle."""
    return again(evidence).send(json.dumps(evidence.target.body)[:-1], "application/json")


@once
def invalid(evidence: Evidence) -> httpx.Response:
    """JSON that is no task."""
    return again(evidence).submit(evidence.target.bad)


@once
def plain(evidence: Evidence) -> httpx.Response:
    """A good body that calls itself text, as any web page may send it."""
    return again(evidence).send(json.dumps(evidence.target.body), "text/plain")


@once
def unknown(evidence: Evidence) -> httpx.Response:
    """A monitor that is not there."""
    start, _, id = str(polls(evidence)[0].request.url).rpartition("/")
    return evidence.api.get(f"{start}/{another_id(id)}")


@once
def wrong_method(evidence: Evidence) -> httpx.Response:
    """Monitors are read, never written."""
    return evidence.api.ask("PUT", str(polls(evidence)[0].request.url), json={})


REFUSALS = (malformed, invalid, plain, unknown, wrong_method)


@rule("refuse.malformed", "A body that is no JSON is 400", Level.MUST, rfc(9110, "15.5.1"))
def refuses_what_it_cannot_read(evidence: Evidence) -> Finding:
    status = malformed(evidence).status_code
    return Finding(status == 400, f"{status}")


@rule(
    "refuse.invalid",
    "A task that cannot succeed is refused before it is accepted: 400 or 422",
    Level.MUST,
    azure("lro-valid-inputs-synchronously"),
    aip(151),
)
def refuses_bad_input(evidence: Evidence) -> Finding:
    status = invalid(evidence).status_code
    return Finding(status in INVALID, f"{status}")


@rule(
    "refuse.unknown-member",
    "A member that nobody knows is refused: 400 or 422",
    Level.SHOULD,
    azure("rest-fail-for-unknown-fields"),
)
def refuses_unknown_members(evidence: Evidence) -> Finding:
    if not isinstance(evidence.target.body, dict):
        raise NotOffered("the body is no object")
    if accepted(evidence).status_code >= 300:
        raise NotReached("not even the body without it was accepted")
    status = again(evidence).submit({**evidence.target.body, "unknown-to-all": 1}).status_code
    return Finding(status in INVALID, f"{status}")


@rule(
    "refuse.media-type", "A body that is not called JSON is 415", Level.MUST, rfc(9110, "15.5.16")
)
def refuses_other_media_types(evidence: Evidence) -> Finding:
    status = plain(evidence).status_code
    return Finding(status == 415, f"{status}")


@rule("refuse.method", "PUT to the monitor is 405 with Allow", Level.MUST, rfc(9110, "15.5.6"))
def refuses_other_methods(evidence: Evidence) -> Finding:
    answer = wrong_method(evidence)
    kept = answer.status_code == 405 and "Allow" in answer.headers
    return Finding(kept, f"{answer.status_code}, {header(answer, 'Allow')}")


def refusals(evidence: Evidence) -> Iterator[httpx.Response]:
    """Those of the requests above that were refused."""
    for find in REFUSALS:
        try:
            answer = find(evidence)
        except NotReached:
            continue
        if 400 <= answer.status_code < 500:
            yield answer


@once
def problems(evidence: Evidence) -> list[httpx.Response]:
    """The refusals that are problems."""
    found = [answer for answer in refusals(evidence) if problem(answer)]
    if not found:
        raise NotOffered("no application/problem+json")
    return found


@rule(
    "problem.media-type", "Each refusal is application/problem+json", Level.SHOULD, rfc(9457, "3")
)
def is_a_problem(evidence: Evidence) -> Finding:
    found = list(refusals(evidence))
    if not found:
        raise NotReached("nothing was refused")
    others = [f"{answer.status_code} is not" for answer in found if not problem(answer)]
    return Finding(not others, ", ".join(others) or "each")


@rule(
    "problem.members",
    "Each problem has a type of its own, a title and a detail",
    Level.SHOULD,
    rfc(9457, "3.1"),
)
def is_a_whole_problem(evidence: Evidence) -> Finding:
    lacking = {
        f"{answer.status_code} without {name}"
        for answer in problems(evidence)
        for name in ("type", "title", "detail")
        if text(answer, name) in {None, "about:blank"}
    }
    return Finding(not lacking, ", ".join(sorted(lacking)) or "each")


@rule(
    "problem.status",
    "Each problem's status is the status of the answer",
    Level.MUST,
    rfc(9457, "3.1.2"),
)
def is_an_honest_problem(evidence: Evidence) -> Finding:
    wrong = [
        f"{member(answer, 'status')!r} on {answer.status_code}"
        for answer in problems(evidence)
        if member(answer, "status") != answer.status_code
    ]
    return Finding(not wrong, ", ".join(wrong) or "each")
