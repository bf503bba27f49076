"""Rules on monitors that are asked for again, and on ids that name nothing (any more)."""

from urllib.parse import urlsplit, urlunsplit

import httpx

from .asking import Api
from .evidence import Evidence, final, polls
from .reading import ancient_id, another_id, document
from .rules import Finding, Level, NotOffered, NotReached, NotTried, rule
from .sources import OWASP_OBJECTS, azure, rfc


@rule(
    "monitor.etag",
    "Each monitor has an ETag",
    Level.SHOULD,
    azure("condreq-return-etags"),
    rfc(9110, "8.8.3"),
)
def has_a_tag(evidence: Evidence) -> Finding:
    with_tag = ["ETag" in answer.headers for answer in polls(evidence)]
    return Finding(all(with_tag), "on each" if all(with_tag) else "not on each")


def _tagged(evidence: Evidence) -> httpx.Response:
    end = final(evidence)
    if "ETag" not in end.headers:
        raise NotOffered("no ETag")
    return end


@rule(
    "monitor.not-modified",
    "With the ETag in If-None-Match, an unchanged monitor is 304 without a body",
    Level.MUST,
    rfc(9110, "13.1.2"),
    rfc(9110, "15.4.5"),
)
def is_not_sent_twice(evidence: Evidence) -> Finding:
    end = _tagged(evidence)
    again = evidence.api.get(str(end.request.url), If_None_Match=end.headers["ETag"])
    return Finding(again.status_code == 304 and not again.content, f"{again.status_code}")


@rule(
    "monitor.etag-changes",
    "Two different monitors never share an ETag",
    Level.MUST,
    rfc(9110, "8.8.3"),
)
def has_a_tag_for_each_state(evidence: Evidence) -> Finding:
    _tagged(evidence)
    bodies: dict[str, object] = {}
    for answer in polls(evidence):
        tag = answer.headers.get("ETag", "")
        if bodies.setdefault(tag, document(answer)) != document(answer):
            return Finding(False, f"{tag} for two")
    return Finding(True, "one for each")


def _renamed(evidence: Evidence, id: str) -> str:
    scheme, host, path, query, _ = urlsplit(_monitor(evidence))
    return urlunsplit((scheme, host, f"{path.rpartition('/')[0]}/{id}", query, ""))


def _monitor(evidence: Evidence) -> str:
    return str(polls(evidence)[0].request.url)


def _id(evidence: Evidence) -> str:
    return urlsplit(_monitor(evidence)).path.rpartition("/")[2]


@rule("monitor.unknown", "An id that names nothing is 404", Level.MUST, rfc(9110, "15.5.5"))
def knows_what_it_has_not(evidence: Evidence) -> Finding:
    unknown = evidence.api.get(_renamed(evidence, another_id(_id(evidence))))
    return Finding(unknown.status_code == 404, f"{unknown.status_code}")


@rule(
    "monitor.gone",
    "An id from before the retention is 410",
    Level.MAY,
    azure("lro-status-monitor-retention"),
    rfc(9110, "15.5.11"),
)
def knows_what_it_had(evidence: Evidence) -> Finding:
    ancient = ancient_id(_id(evidence))
    if ancient is None:
        raise NotOffered("its ids carry no time")
    gone = evidence.api.get(_renamed(evidence, ancient))
    return Finding(gone.status_code == 410, f"{gone.status_code}")


@rule(
    "monitor.foreign",
    "Somebody else's task is 404 (or 403)",
    Level.MUST,
    OWASP_OBJECTS,
    azure("http-return-403-vs-404"),
)
def tells_nobody_else(evidence: Evidence) -> Finding:
    if evidence.target.other_token is None:
        raise NotTried("--other-token-env names somebody else")
    if polls(evidence)[0].status_code != 200:
        raise NotReached("not even the owner can read it")
    other = Api(evidence.target, evidence.target.other_token)
    try:
        status = other.get(_monitor(evidence)).status_code
    finally:
        other.close()
    return Finding(status in {403, 404}, f"{status}")
