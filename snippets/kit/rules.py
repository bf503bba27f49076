"""What a rule is, and the words a check may end with."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .evidence import Evidence


class Level(StrEnum):
    """How much hangs on a rule: clients break, clients suffer, clients would be glad."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Outcome(StrEnum):
    """What became of a rule; the last two are not counted."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NOT_OFFERED = "not offered"
    NOT_TRIED = "not tried"

    @property
    def counts(self) -> bool:
        """Whether the rule applies to this API; then it is won or lost."""
        return self in {Outcome.PASSED, Outcome.FAILED, Outcome.NOT_REACHED}


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a rule is kept, and what was seen of the API."""

    kept: bool
    seen: str


class NoFinding(Exception):
    """A rule that cannot be answered."""

    outcome: Outcome


class NotReached(NoFinding):
    """What the rule is about was never seen, because something before it went wrong."""

    outcome = Outcome.NOT_REACHED


class NotOffered(NoFinding):
    """The API does not have what the rule is about, and need not have it."""

    outcome = Outcome.NOT_OFFERED


class NotTried(NoFinding):
    """The kit was not told how."""

    outcome = Outcome.NOT_TRIED


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from."""

    name: str
    url: str


Check = Callable[["Evidence"], Finding]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, worth one point; `expected` says in a sentence what the API does."""

    id: str
    expected: str
    level: Level
    sources: tuple[Source, ...]
    check: Check


REGISTERED: list[Rule] = []


def rule(id: str, expected: str, level: Level, *sources: Source) -> Callable[[Check], Check]:
    """Register a check; it returns a finding or raises why there is none."""

    def register(check: Check) -> Check:
        REGISTERED.append(Rule(id, expected, level, sources, check))
        return check

    return register
