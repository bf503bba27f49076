"""A reader of server-sent events that keeps what a browser hides: blocks, comments, the close."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

SILENCE = 0.5  # seconds; a comment after it keeps a quiet stream alive
LINE = re.compile(r"\r\n|\n|\r(?!$)")


@dataclass(frozen=True, slots=True)
class Event:
    """What a browser would dispatch; `id` is that of the block itself."""

    id: str | None
    type: str
    data: str


@dataclass
class Followed:
    """A stream as far as it was read."""

    answer: httpx.Response
    events: list[Event] = field(default_factory=list)
    keep_alives: int = 0
    retry_inside: int = 0
    retry_alone: int = 0
    closed: bool = False

    def block(self, lines: list[str]) -> None:
        """Take one block, as far as a blank line."""
        pairs = [line.partition(":") for line in lines if not line.startswith(":")]
        fields = [(name, value.removeprefix(" ")) for name, _, value in pairs]
        named = dict(fields)
        data = [value for name, value in fields if name == "data"]
        if data:
            self.events.append(
                Event(named.get("id"), named.get("event") or "message", "\n".join(data))
            )
        if "retry" in named:
            self.retry_inside += bool(data)
            self.retry_alone += not data

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events if event.id]


Enough = Callable[[Followed], bool]


def read(answer: httpx.Response, seconds: float, enough: Enough = lambda _: False) -> Followed:
    """Read an open stream to its close, until it is enough, or until time is up."""
    stream = Followed(answer)
    before = time.monotonic()
    until = before + seconds
    block: list[str] = []
    try:
        for line in _lines(answer):
            now = time.monotonic()
            quiet, before = now - before, now
            if line.startswith(":"):
                stream.keep_alives += quiet > SILENCE
            elif line:
                block.append(line)
            else:
                stream.block(block)
                block = []
            if enough(stream) or now > until:
                return stream
        stream.closed = True
    except httpx.TransportError:
        pass  # silence for too long, or cut: not closed
    return stream


def _lines(answer: httpx.Response) -> Iterator[str]:
    """Lines end in CR, LF or both, and in nothing else that Unicode calls an end of line."""
    rest = ""
    for piece in answer.iter_text():
        *lines, rest = LINE.split(rest + piece)
        yield from lines
