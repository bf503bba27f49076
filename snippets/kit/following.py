"""Streams as the rules see them: of a task that ends, of one that has, of one that runs on."""

import httpx

from .evidence import Evidence, final, monitor_of, once, start_slow
from .reading import is_open, text
from .rules import NotOffered, NotReached
from .sse import Event, Followed, read

FIRST_EVENT = 10  # seconds until the first event of a running task at the latest
NO_NEWS = 10  # seconds that an ended task's stream may stay open


def stream_of(evidence: Evidence, monitor: httpx.Response) -> str:
    """Where the events of a task are."""
    if template := evidence.target.stream:
        return template.replace("{monitor}", str(monitor.request.url))
    if linked := text(monitor, "links", "stream"):
        return linked
    raise NotOffered("no links.stream in the monitor and no --stream")


@once
def ended(evidence: Evidence) -> str:
    """The stream of the task that has ended."""
    return stream_of(evidence, final(evidence))


@once
def live(evidence: Evidence) -> Followed:
    """The stream of a task, from its submission to its end."""
    monitor = evidence.api.get(monitor_of(evidence, evidence.api.submit(evidence.target.body)))
    seconds = evidence.target.timeout
    with evidence.api.open(stream_of(evidence, monitor), seconds) as answer:
        return read(answer, seconds)


@once
def history(evidence: Evidence) -> Followed:
    """The stream of an ended task, from its beginning."""
    with evidence.api.open(ended(evidence), NO_NEWS) as answer:
        return read(answer, NO_NEWS)


@once
def watched(evidence: Evidence) -> Followed:
    """The stream of a task that runs on: the first event, and a comment in its silence."""
    wanted = evidence.target.keep_alive
    monitor = evidence.api.get(start_slow(evidence))
    seconds = max(FIRST_EVENT, wanted)
    with evidence.api.open(stream_of(evidence, monitor), seconds) as answer:
        seen = read(answer, seconds, lambda s: bool(s.events and (s.keep_alives or not wanted)))
    if not is_open(evidence.api.get(str(monitor.request.url))):
        raise NotReached("--slow ended meanwhile")
    return seen


def events_with_ids(evidence: Evidence) -> list[Event]:
    """The history, which has at least two events with ids."""
    found = history(evidence)
    if len(found.events) < 2 or len(found.ids) < len(found.events):
        raise NotReached("no two events with ids")
    return found.events
