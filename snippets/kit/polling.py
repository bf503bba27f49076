"""Rules on the monitor of a task that ends well."""

from collections.abc import Iterable, Iterator

import httpx

from .evidence import Evidence, accepted, final, polls
from .reading import FINAL, ORDER, document, header, is_open, member, text, whole_seconds, word
from .rules import Finding, Level, NotReached, rule
from .sources import AZURE_CORE, azure, rfc

MONITOR = azure("lro-status-monitor-get-returns-200")
STRUCTURE = azure("lro-status-monitor-structure")
RETRY_AFTER = azure("lro-status-monitor-retry-after")


def _listed(found: Iterable[object]) -> str:
    """Each once, in the order of their appearance."""
    return ", ".join(dict.fromkeys(str(one) for one in found)) or "nothing"


def _read(evidence: Evidence) -> Iterator[httpx.Response]:
    return (answer for answer in polls(evidence) if not answer.is_redirect)


def _open(evidence: Evidence) -> list[httpx.Response]:
    found = [answer for answer in polls(evidence) if is_open(answer)]
    if not found:
        raise NotReached("it was never seen open; give a --body that takes a second")
    return found


@rule("monitor.ok", "Each poll is answered 200 with a JSON object", Level.MUST, MONITOR)
def is_ok(evidence: Evidence) -> Finding:
    answers = list(_read(evidence))
    kept = all(answer.status_code == 200 and document(answer) for answer in answers)
    seen = _listed(answer.status_code for answer in answers)
    return Finding(kept, seen if kept or seen != "200" else "200 without a JSON object")


@rule("monitor.stays", "The monitor never redirects to the result", Level.MUST, MONITOR, AZURE_CORE)
def is_no_redirect(evidence: Evidence) -> Finding:
    found = [answer.status_code for answer in polls(evidence) if answer.is_redirect]
    return Finding(not found, _listed(found) if found else "no redirect")


@rule("monitor.status", "Each monitor has a status in words", Level.MUST, STRUCTURE)
def has_a_status(evidence: Evidence) -> Finding:
    words = [word(answer) or "none" for answer in polls(evidence)]
    return Finding("none" not in words, _listed(words))


@rule(
    "monitor.final-word",
    "The last status is succeeded, failed or canceled, in any case, with one l",
    Level.MUST,
    STRUCTURE,
    AZURE_CORE,
)
def ends_in_a_known_word(evidence: Evidence) -> Finding:
    end = polls(evidence)[-1]
    return Finding(word(end) in FINAL, str(member(end, "status")))


@rule(
    "monitor.open-word",
    "Before the last, the status is a word that clients know",
    Level.SHOULD,
    STRUCTURE,
)
def waits_in_known_words(evidence: Evidence) -> Finding:
    words = [word(answer) for answer in _open(evidence)]
    return Finding(set(words) <= set(ORDER), _listed(words))


@rule(
    "monitor.order",
    "The status never goes back while nothing disturbs the task",
    Level.SHOULD,
    STRUCTURE,
)
def goes_forward(evidence: Evidence) -> Finding:
    words = [word(answer) for answer in polls(evidence)]
    ranks = [ORDER[known] for known in words if known in ORDER]
    return Finding(ranks == sorted(ranks), _listed(words))


@rule("monitor.final", "An ended task stays as it ended", Level.MUST, STRUCTURE)
def stays_ended(evidence: Evidence) -> Finding:
    end = final(evidence)
    again = [evidence.api.get(str(end.request.url)) for _ in range(2)]
    kept = all(document(answer) == document(end) for answer in again)
    return Finding(kept, "the same" if kept else _listed(map(word, [end, *again])))


@rule(
    "monitor.retry-after",
    "While the task is open, Retry-After is whole seconds, 1 or more",
    Level.MUST,
    RETRY_AFTER,
    AZURE_CORE,
)
def says_when_to_poll(evidence: Evidence) -> Finding:
    answers = _open(evidence)
    wrong = [header(answer, "Retry-After") for answer in answers if not whole_seconds(answer)]
    return Finding(not wrong, _listed(wrong) if wrong else "on each")


@rule(
    "monitor.no-retry-after",
    "Once the task has ended, there is no Retry-After",
    Level.SHOULD,
    RETRY_AFTER,
)
def says_no_more_polls(evidence: Evidence) -> Finding:
    end = final(evidence)
    return Finding("Retry-After" not in end.headers, header(end, "Retry-After"))


@rule(
    "monitor.cache-control",
    "No cache keeps a monitor (Cache-Control: no-cache or no-store)",
    Level.SHOULD,
    rfc(9111, "5.2.2.4"),
)
def is_not_cached(evidence: Evidence) -> Finding:
    answers = list(_read(evidence))
    told = [answer.headers.get("Cache-Control", "") for answer in answers]
    kept = all("no-cache" in value or "no-store" in value for value in told)
    return Finding(kept, _listed(header(answer, "Cache-Control") for answer in answers))


@rule(
    "monitor.result",
    "Success leads to a result: result, resourceLocation or Location",
    Level.SHOULD,
    azure("lro-status-monitor-post-action-result"),
)
def leads_to_the_result(evidence: Evidence) -> Finding:
    end = final(evidence)
    places = {
        "result": member(end, "result") is not None,
        "resourceLocation": text(end, "resourceLocation") is not None,
        "Location": "Location" in accepted(evidence).headers,
    }
    return Finding(any(places.values()), _listed(name for name, there in places.items() if there))
