"""Checks all rules against an API and adds the points up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from .catalog import RULES
from .evidence import Evidence
from .rules import Level, NoFinding, Outcome, Rule
from .target import Target

MARKS = {
    Outcome.PASSED: "✔",
    Outcome.FAILED: "✘",
    Outcome.NOT_REACHED: "✘",
    Outcome.NOT_OFFERED: "\N{EN DASH}",
    Outcome.NOT_TRIED: "\N{EN DASH}",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one rule."""

    rule: Rule
    outcome: Outcome
    seen: str

    @property
    def lost(self) -> bool:
        return self.outcome.counts and self.outcome is not Outcome.PASSED

    def line(self) -> str:
        """One line for people; the mark says nothing that the words don't."""
        head = f"{MARKS[self.outcome]} {self.outcome:<11}  {self.rule.level:<6}"
        sources = "; ".join(source.name for source in self.rule.sources)
        seen = f"expected: {self.rule.expected} | seen: {self.seen} | {sources}"
        return f"{head}  {self.rule.id:<25}  {seen}"

    def told(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "id": self.rule.id,
            "level": self.rule.level,
            "outcome": self.outcome,
            "expected": self.rule.expected,
            "seen": self.seen,
            "sources": [{"name": s.name, "url": s.url} for s in self.rule.sources],
        }


def check(rule: Rule, evidence: Evidence) -> Result:
    """One rule; whatever an API does, this returns."""
    try:
        finding = rule.check(evidence)
    except NoFinding as none:
        return Result(rule, none.outcome, str(none))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Result(rule, Outcome.FAILED, f"no answer: {type(error).__name__}")
    return Result(rule, Outcome.PASSED if finding.kept else Outcome.FAILED, finding.seen)


def checked(target: Target) -> Iterator[Result]:
    """All rules, in order."""
    with Evidence(target) as evidence:
        for rule in RULES:
            yield check(rule, evidence)


# --8<-- [start:score]
@dataclass(frozen=True, slots=True)
class Scorecard:
    """All results; a point for each rule kept, of those that apply to the API."""

    results: list[Result]

    def points(self, *levels: Level) -> tuple[int, int]:
        """Points won, and points there were to win."""
        counted = [r for r in self.results if r.rule.level in levels and r.outcome.counts]
        return sum(not result.lost for result in counted), len(counted)

    @property
    def conforms(self) -> bool:
        """Whether every rule that must be kept is kept."""
        won, possible = self.points(Level.MUST)
        return won == possible

    # --8<-- [end:score]

    @property
    def score(self) -> str:
        """The points in one line."""
        won, possible = self.points(Level.MUST, Level.SHOULD)
        parts = ", ".join(f"{level} {a}/{b}" for level in Level for a, b in [self.points(level)])
        return f"{won} of {possible} ({parts})"

    def told(self) -> dict[str, Any]:
        """The scorecard for programs."""
        points = {level.value: list(self.points(level)) for level in Level}
        return {
            "conforms": self.conforms,
            "score": self.score,
            "points": points,
            "results": [result.told() for result in self.results],
        }
