"""A scenario: when tasks arrive, how long they take, what they run on, and what goes wrong."""

import math
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from autoscaler import Rules


@dataclass(frozen=True)
class Durations:
    """Seconds of work: all alike, random (exponential), or lognormal with a 95th percentile."""

    mean: float = 2400
    shape: Literal["regular", "random", "lognormal"] = "random"
    p95: float = 0

    def draw(self, chance: random.Random) -> float:
        if self.shape == "regular":
            return self.mean
        if self.shape == "random":
            return chance.expovariate(1 / self.mean)
        ratio = math.log(max(1.0, self.p95 / self.mean))
        sigma = 1.6449 - math.sqrt(max(0.0, 1.6449**2 - 2 * ratio))
        return self.mean * math.exp(chance.gauss(0, sigma) - sigma**2 / 2)


@dataclass(frozen=True)
class Cluster:
    """Where pods live. Times in seconds; `node_start` is drawn up to half above its value."""

    slots: int = 1  # of a pod
    pods_per_node: int = 7
    nodes: int = 12  # quota
    node_start: float = 180
    pod_start: float = 15
    idle_node: float = 600  # until an empty node is removed
    grace: float = 20


@dataclass(frozen=True)
class Core:
    """What the system does with a task whose worker is gone."""

    step: float = 10  # between two checkpoints; 0 = no checkpoints, all is done again
    recovery: float = 35  # a lease and the reaper's round; with Redis the visibility time-out
    crashes: int = 5  # after so many in one step a task fails


@dataclass(frozen=True)
class Fault:
    """Something that happens `at` a second.

    spot: a `share` of the nodes goes with 30 s of notice. node: one goes without. upgrade: all
    nodes, one after another. broker: no task starts for `lasts` seconds. poison: `tasks` arrive
    that crash in their second step.
    """

    what: Literal["spot", "node", "upgrade", "broker", "poison"]
    at: float
    share: float = 1
    lasts: float = 0
    tasks: int = 0


@dataclass(frozen=True)
class Scenario:
    """`arrivals`: pairs of a second and the tasks an hour from then on."""

    title: str = ""
    hours: float = 8
    arrivals: tuple[tuple[float, float], ...] = ((0, 20),)
    pods: int = 1  # at the start
    durations: Durations = field(default_factory=Durations)
    cluster: Cluster = field(default_factory=Cluster)
    core: Core = field(default_factory=Core)
    scaling: Rules | None = None
    faults: tuple[Fault, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Scenario":
        """From a TOML file. Raises TypeError for what it does not know."""
        told: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        parts = {"durations": Durations, "cluster": Cluster, "core": Core, "scaling": Rules}
        made = {name: made(**told.pop(name)) for name, made in parts.items() if name in told}
        made["faults"] = tuple(Fault(**fault) for fault in told.pop("faults", ()))
        made["arrivals"] = tuple((at, hourly) for at, hourly in told.pop("arrivals"))
        return cls(**told, **made)

    def but(self, **changes: Any) -> "Scenario":
        """The same with some parts changed."""
        return replace(self, **changes)

    def draw(self, chance: random.Random) -> Iterator[tuple[float, float]]:
        """Arrival and duration of each task (thinned from the busiest rate)."""
        busiest = max(hourly for _, hourly in self.arrivals) / 3600
        now = 0.0
        while busiest:
            now += chance.expovariate(busiest)
            if now >= self.hours * 3600:
                return
            rate = [hourly for at, hourly in self.arrivals if at <= now][-1] / 3600
            if chance.random() * busiest < rate:
                yield now, self.durations.draw(chance)
