"""Rules on a submission that is sent twice, and on what a client may wish for."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from .evidence import Evidence, accepted, again, monitor_of, once
from .reading import header, is_open, word
from .rules import Finding, Level, NotOffered, NotReached, NotTried, rule
from .sources import IDEMPOTENCY, STRIPE, aip, azure, rfc

AT_ONCE = 12
PATIENCE = 10  # seconds in `Prefer: wait`


def new_key() -> str:
    """A structured-field string, as the draft has it."""
    return f'"{uuid4()}"'


@once
def repeated(evidence: Evidence) -> tuple[str, httpx.Response, httpx.Response]:
    """A key, and two submissions with it, one after the other."""
    key = new_key()
    first, second = (
        again(evidence).submit(evidence.target.body, Idempotency_Key=key) for _ in range(2)
    )
    return key, first, second


def _replayed(evidence: Evidence) -> str:
    """The key, when keys mean anything here."""
    key, first, second = repeated(evidence)
    if not second.is_success or monitor_of(evidence, first) != monitor_of(evidence, second):
        raise NotOffered("no replay")
    return key


@rule(
    "key.replay",
    "The same Idempotency-Key and body answer the same task",
    Level.SHOULD,
    IDEMPOTENCY,
    azure("http-post-must-be-idempotent"),
)
def replays(evidence: Evidence) -> Finding:
    _, first, second = repeated(evidence)
    one = monitor_of(evidence, first) == monitor_of(evidence, second)
    seen = "the same task" if one else "two tasks"
    return Finding(one and second.is_success, f"{first.status_code}, {second.status_code}: {seen}")


# --8<-- [start:parallel]
@rule(
    "key.parallel",
    f"The same key {AT_ONCE} times at once makes one task; the others may be told 409",
    Level.MUST,
    IDEMPOTENCY,
)
def replays_at_once(evidence: Evidence) -> Finding:
    _replayed(evidence)
    key = new_key()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        posts = [
            pool.submit(evidence.api.submit, evidence.target.body, Idempotency_Key=key)
            for _ in range(AT_ONCE)
        ]
    answers = [post.result() for post in posts]
    tasks = {monitor_of(evidence, answer) for answer in answers if answer.is_success}
    told = {answer.status_code for answer in answers if not answer.is_success}
    kept = len(tasks) == 1 and told <= {409}
    many = "one task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    return Finding(kept, ", ".join([many, *map(str, sorted(told))]))


# --8<-- [end:parallel]


@rule("key.reused", "The same key with another body is 422", Level.MUST, IDEMPOTENCY)
def refuses_a_used_key(evidence: Evidence) -> Finding:
    key = _replayed(evidence)
    others = (evidence.target.slow, evidence.target.failing)
    other = next((body for body in others if body not in (None, evidence.target.body)), None)
    if other is None:
        raise NotTried("--slow or --failing gives another body")
    answer = again(evidence).submit(other, Idempotency_Key=key)
    if answer.is_success:
        evidence.left_open.append(monitor_of(evidence, answer))
    return Finding(answer.status_code == 422, f"{answer.status_code}")


@rule("key.malformed", "A key that is no string is 400", Level.SHOULD, IDEMPOTENCY)
def refuses_a_malformed_key(evidence: Evidence) -> Finding:
    _replayed(evidence)
    answer = again(evidence).submit(evidence.target.body, Idempotency_Key='"never closed')
    return Finding(answer.status_code == 400, f"{answer.status_code}")


@rule("key.marked", "A replay says so (Idempotent-Replayed: true)", Level.MAY, STRIPE)
def marks_a_replay(evidence: Evidence) -> Finding:
    _replayed(evidence)
    _, _, second = repeated(evidence)
    kept = second.headers.get("Idempotent-Replayed") == "true"
    return Finding(kept, header(second, "Idempotent-Replayed"))


@rule(
    "prefer.unknown", "A preference that nobody knows changes nothing", Level.MUST, rfc(7240, "2")
)
def ignores_unknown_wishes(evidence: Evidence) -> Finding:
    answer = again(evidence).submit(evidence.target.body, Prefer="unknown-to-all=1")
    return Finding(answer.status_code == accepted(evidence).status_code, f"{answer.status_code}")


@rule("prefer.async", "Prefer: respond-async is answered 202", Level.SHOULD, rfc(7240, "4.1"))
def answers_at_once(evidence: Evidence) -> Finding:
    answer = again(evidence).submit(evidence.target.body, Prefer="respond-async")
    return Finding(answer.status_code == 202, f"{answer.status_code}")


@once
def waited(evidence: Evidence) -> httpx.Response:
    """The answer to a client that would rather wait a little."""
    wish = f"respond-async, wait={PATIENCE}"
    return again(evidence).submit(evidence.target.body, Prefer=wish)


@rule(
    "prefer.wait",
    f"With Prefer: respond-async, wait={PATIENCE}, what ends in time is 200 with its end",
    Level.SHOULD,
    rfc(7240, "4.3"),
    aip(151),
)
def waits(evidence: Evidence) -> Finding:
    answer = waited(evidence)
    kept = answer.status_code == 200 and not (word(answer) and is_open(answer))
    return Finding(kept, ", ".join(filter(None, (f"{answer.status_code}", word(answer)))))


@rule("prefer.applied", "Preference-Applied names what was heeded", Level.SHOULD, rfc(7240, "3"))
def says_what_it_heeded(evidence: Evidence) -> Finding:
    answer = waited(evidence)
    if answer.status_code >= 300:
        raise NotReached(f"{answer.status_code}")
    named = answer.headers.get("Preference-Applied", "")
    needed = "wait" if answer.status_code == 200 else "respond-async"
    return Finding(needed in named, header(answer, "Preference-Applied"))
