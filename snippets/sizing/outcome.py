"""What a simulated, or a real, run came to."""

from dataclasses import dataclass, field


@dataclass(order=True)
class Task:
    """Ordered by age, as the dispatcher orders them. Times in seconds."""

    arrived: float
    number: int
    left: float = field(compare=False)
    poison: bool = field(default=False, compare=False)
    started: float | None = field(default=None, compare=False)
    ended: float | None = field(default=None, compare=False)
    crashes: int = field(default=0, compare=False)


@dataclass
class Outcome:
    """All tasks and what befell them. `series`: (second, queued, running, slots, nodes)."""

    tasks: list[Task] = field(default_factory=list)
    redone: float = 0
    releases: int = 0
    recoveries: int = 0
    series: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    @property
    def waits(self) -> list[float]:
        """Seconds from arrival to first start, in order of size."""
        return sorted(t.started - t.arrived for t in self.tasks if t.started is not None)

    def wait(self, share: float) -> float:
        """The wait that `share` of all tasks stay below."""
        waits = self.waits
        return waits[min(len(waits) - 1, int(share * len(waits)))]

    @property
    def mean_wait(self) -> float:
        """Over all tasks, those that did not wait included."""
        return sum(self.waits) / len(self.waits)

    @property
    def lost(self) -> int:
        """Accepted and never ended: must be none."""
        return sum(task.ended is None for task in self.tasks)

    @property
    def node_hours(self) -> float:
        """What was paid for, from samples a minute apart."""
        return sum(nodes for *_, nodes in self.series) / 60

    def figures(self) -> dict[str, float]:
        """The numbers of a table."""
        return {
            "tasks": len(self.tasks),
            "mean wait": self.mean_wait,
            "wait p95": self.wait(0.95),
            "longest wait": self.waits[-1],
            "lost": self.lost,
            "released": self.releases,
            "recovered": self.recoveries,
            "redone": self.redone,
            "most slots": max(slots for _, _, _, slots, _ in self.series),
            "node hours": self.node_hours,
        }
