"""Rules on a stream of server-sent events."""

from .evidence import Evidence
from .following import FIRST_EVENT, NO_NEWS, ended, events_with_ids, history, live, watched
from .reading import header
from .rules import Finding, Level, NotReached, NotTried, rule
from .sources import NGINX, rfc, whatwg
from .sse import read

PROCESSING = whatwg("sse-processing-model")
LAST_EVENT_ID = whatwg("the-last-event-id-header")
INTERPRETATION = whatwg("event-stream-interpretation")
AUTHORING = whatwg("authoring-notes")


@rule("stream.type", "The stream is 200 with text/event-stream", Level.MUST, PROCESSING)
def is_an_event_stream(evidence: Evidence) -> Finding:
    answer = live(evidence).answer
    kept = answer.headers.get("Content-Type", "").startswith("text/event-stream")
    seen = f"{answer.status_code}, {header(answer, 'Content-Type')}"
    return Finding(kept and answer.status_code == 200, seen)


@rule(
    "stream.live",
    f"A running task's first event comes within {FIRST_EVENT} s",
    Level.MUST,
    AUTHORING,
)
def is_live(evidence: Evidence) -> Finding:
    ended(evidence)
    there = bool(watched(evidence).events)
    return Finding(there, "it came" if there else "nothing came")


@rule("stream.ids", "Each event has an id, no two the same", Level.MUST, LAST_EVENT_ID)
def numbers_its_events(evidence: Evidence) -> Finding:
    found = live(evidence)
    if not found.events:
        raise NotReached("no event")
    without = sum(not event.id for event in found.events)
    twice = len(found.ids) - len(set(found.ids))
    return Finding(not without and not twice, f"{without} without an id, {twice} twice")


@rule(
    "stream.history",
    "Without a cursor an ended task's events come again, all of them",
    Level.SHOULD,
    LAST_EVENT_ID,
)
def remembers(evidence: Evidence) -> Finding:
    then, now = live(evidence), history(evidence)
    kept = bool(now.events) and len(now.events) >= min(2, len(then.events))
    types = dict.fromkeys(event.type for event in now.events)
    return Finding(kept, ", ".join(types) or "nothing")


@rule(
    "stream.resume",
    "With Last-Event-ID exactly the later events come",
    Level.MUST,
    LAST_EVENT_ID,
)
def resumes(evidence: Evidence) -> Finding:
    events = events_with_ids(evidence)
    half = len(events) // 2
    with evidence.api.open(ended(evidence), NO_NEWS, Last_Event_ID=str(events[half - 1].id)) as a:
        later = read(a, NO_NEWS).events
    kept = later == events[half:]
    return Finding(kept, "exactly those" if kept else f"{len(later)}, not {len(events) - half}")


@rule(
    "stream.over", "After the last event a reconnect is 204: come no more", Level.MUST, PROCESSING
)
def is_over(evidence: Evidence) -> Finding:
    last = str(events_with_ids(evidence)[-1].id)
    with evidence.api.open(ended(evidence), NO_NEWS, Last_Event_ID=last) as answer:
        return Finding(answer.status_code == 204, f"{answer.status_code}")


@rule(
    "stream.closed", "The server closes the stream after the last event", Level.SHOULD, PROCESSING
)
def is_closed(evidence: Evidence) -> Finding:
    closed = history(evidence).closed
    return Finding(closed, "closed" if closed else f"still open after {NO_NEWS} s")


@rule(
    "stream.garbage",
    "A cursor that is none is refused before the first byte: 4xx",
    Level.SHOULD,
    LAST_EVENT_ID,
)
def refuses_garbage(evidence: Evidence) -> Finding:
    with evidence.api.open(ended(evidence), NO_NEWS, Last_Event_ID="no-such-cursor!") as answer:
        return Finding(400 <= answer.status_code < 500, f"{answer.status_code}")


@rule(
    "stream.retry",
    "retry: is told inside an event's block, never alone",
    Level.SHOULD,
    INTERPRETATION,
)
def tells_when_to_come_back(evidence: Evidence) -> Finding:
    found = live(evidence)
    places = {"inside": found.retry_inside, "alone": found.retry_alone}
    seen = " and ".join(place for place, times in places.items() if times)
    return Finding(seen == "inside", seen or "no retry")


@rule(
    "stream.uncached",
    "No cache keeps a stream (Cache-Control: no-cache or no-store)",
    Level.SHOULD,
    AUTHORING,
    rfc(9111, "5.2.2.5"),
)
def is_not_cached(evidence: Evidence) -> Finding:
    answer = live(evidence).answer
    told = answer.headers.get("Cache-Control", "")
    return Finding("no-cache" in told or "no-store" in told, header(answer, "Cache-Control"))


@rule(
    "stream.unbounded",
    "A stream has neither Content-Length nor Content-Encoding",
    Level.MUST,
    rfc(9110, "8.6"),
    AUTHORING,
)
def has_no_length(evidence: Evidence) -> Finding:
    answer = live(evidence).answer
    found = [name for name in ("Content-Length", "Content-Encoding") if name in answer.headers]
    return Finding(not found, " and ".join(found) or "neither")


@rule(
    "stream.unbuffered",
    "A stream asks proxies not to buffer (X-Accel-Buffering: no)",
    Level.SHOULD,
    NGINX,
)
def is_not_buffered(evidence: Evidence) -> Finding:
    answer = live(evidence).answer
    kept = answer.headers.get("X-Accel-Buffering", "").lower() == "no"
    return Finding(kept, header(answer, "X-Accel-Buffering"))


@rule("stream.keep-alive", "A quiet stream carries comments", Level.SHOULD, AUTHORING)
def keeps_alive(evidence: Evidence) -> Finding:
    ended(evidence)
    if not evidence.target.keep_alive:
        raise NotTried("--keep-alive 20 would wait so long")
    there = bool(watched(evidence).keep_alives)
    return Finding(there, "a comment" if there else f"none in {evidence.target.keep_alive:g} s")
