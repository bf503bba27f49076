"""The words of a work: what a generator yields, raises and is handed."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Start:
    """Where an attempt begins: the last committed checkpoint, or step 0 without state."""

    step: int = 0
    state: Any = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """News for the reader; merged with newer news, never the ground for a resume."""

    percent: float | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """One line for the task's log."""

    message: str
    level: str = "info"


# --8<-- [start:checkpoint]
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The durable point between two steps.

    The generator is resumed only after step, state, effects and all events so far are committed.
    `effects` happen once per (task, key), in the same transaction.
    """

    step: int
    state: Any
    percent: float | None = None
    message: str | None = None
    effects: Mapping[str, Any] = field(default_factory=dict)


# --8<-- [end:checkpoint]


@dataclass(frozen=True, slots=True)
class Done:
    """The result; nothing is yielded after it."""

    result: Any


class PermanentFailure(Exception):
    """The work can't succeed by trying again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TransientFailure(Exception):
    """The work may succeed later; `retry_after` (seconds) is the far side's own wish."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the outside world. `url` is where redirects ended."""

    url: str
    status: int
    media_type: str
    body: bytes


class Upload(Protocol):
    """A complete upload; `sha256` is what the client declared of it."""

    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str | None: ...
    def read(self, start: int, length: int) -> bytes:
        """Exactly these bytes.

        Raises:
            PermanentFailure: `upload_changed`, `blob_gone`.
            TransientFailure: the store does not answer.
        """


class Tools(Protocol):
    """What a work may touch of the world; handed in, so that a test can hand in less."""

    def fetch(self, url: str) -> Page:
        """GET a URL politely and safely.

        Raises:
            PermanentFailure: `url_not_allowed`, `robots_disallow`, `body_too_large` …
            TransientFailure: time-outs, refused connections, 429 and 5xx, an open breaker.
        """

    def key(self, effect: str) -> str:
        """The idempotency key of an effect outside: the same in every attempt of the task."""

    def sleep(self, seconds: float) -> None:
        """Wait, waking early when the attempt must stop."""

    def upload(self, id: UUID) -> Upload:
        """What the client has uploaded for this task."""

    def write(self, name: str, parts: Iterable[bytes | memoryview]) -> dict[str, Any]:
        """Keep a blob of this attempt; its reference, whose `name` no other attempt writes."""

    def read(self, name: str, start: int, length: int) -> bytes:
        """Bytes of a blob that an attempt of this task has written."""

    def remove(self, name: str) -> None:
        """Delete such a blob; what is forgotten is swept when the task has ended."""


Yield: TypeAlias = Progress | Log | Checkpoint | Done
Work: TypeAlias = Callable[[Any, Start, Tools], Generator[Yield, None, None]]
