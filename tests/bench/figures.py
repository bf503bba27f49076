"""What a section hands back: figures with all their rounds, and what each is held against."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Figure:
    """One number of the report: the median of its rounds."""

    name: str
    says: str
    rounds: list[float]
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    value: float = field(init=False)

    def __post_init__(self) -> None:
        self.rounds = [_short(value) for value in self.rounds]
        self.value = _short(median(self.rounds))

    @property
    def goal(self) -> str:
        """What issue and guide promise, and whether this run kept it."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {'met' if self.value >= self.at_least else 'MISSED'}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {'met' if self.value <= self.at_most else 'MISSED'}"
        return ""


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Round by round: what slows a round slows both of its halves."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def quantile(values: list[float], share: float) -> float:
    """Of values in any order."""
    return sorted(values or [0.0])[int((len(values) - 1) * share)]


def _short(value: float) -> float:
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
