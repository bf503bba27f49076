"""KEDA and the HPA as a rule: from a signal and the pods there are to the pods there should be.

After the algorithm in the Kubernetes documentation, Horizontal Pod Autoscaling (autoscaling/v2).
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Rules:
    """A ScaledObject with one trigger of type AverageValue, as the chart writes it. Seconds."""

    floor: int = 1
    ceiling: int = 100
    target: float = 1  # of the signal, per pod: its slots
    running: bool = True  # the signal counts running tasks, too
    polling: float = 15
    sync: float = 15  # of the HPA's controller
    tolerance: float = 0.01
    window: float = 1800  # scale-down stabilisation
    down_pods: int = 1  # at most so many pods in `down_period`
    down_period: float = 300
    cooldown: float = 300  # KEDA's, where the floor is 0

    def but(self, **changes: Any) -> "Rules":
        """The same with some parts changed."""
        return replace(self, **changes)


class Autoscaler:
    """One scaled object over time. `wanted` is called every `sync` seconds."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._proposed: deque[tuple[float, int]] = deque()
        self._removed: deque[tuple[float, int]] = deque()
        self._grown: deque[tuple[float, int]] = deque()
        self._signal, self._polled, self._active = 0.0, -math.inf, -math.inf

    # --8<-- [start:rule]
    def wanted(self, now: float, pods: int, signal: float) -> int:
        """How many pods there should be, given those there are and the signal as it stands."""
        if now - self._polled >= self.rules.polling:
            self._signal, self._polled = signal, now
            self._active = now if signal else self._active
        if self._switched_off(now):
            return 0
        proposed = pods
        ratio = self._signal / (self.rules.target * max(pods, 1))
        if not 1 - self.rules.tolerance <= ratio <= 1 + self.rules.tolerance:
            proposed = math.ceil(self._signal / self.rules.target)
        proposed = min(max(proposed, self.rules.floor, 1), self.rules.ceiling)
        self._proposed.append((now, proposed))
        self._forget(now)
        steady = max(number for _, number in self._proposed)
        if proposed > pods:
            return self._up(now, pods, proposed)
        return self._down(now, pods, min(pods, steady))

    def _switched_off(self, now: float) -> bool:
        """KEDA takes all pods at once after its cool-down, past the HPA and its policies."""
        return not self.rules.floor and now - self._active >= self.rules.cooldown

    def _up(self, now: float, pods: int, proposed: int) -> int:
        before = pods - sum(number for _, number in self._grown)
        allowed = min(proposed, max(2 * before, before + 4) if pods else 1)
        if allowed > pods:
            self._grown.append((now, allowed - pods))
        return max(pods, allowed)

    def _down(self, now: float, pods: int, proposed: int) -> int:
        spent = sum(number for _, number in self._removed)
        allowed = max(proposed, pods - max(0, self.rules.down_pods - spent))
        if allowed < pods:
            self._removed.append((now, pods - allowed))
        return allowed

    # --8<-- [end:rule]
    def _forget(self, now: float) -> None:
        for kept, age in (
            (self._proposed, self.rules.window),
            (self._removed, self.rules.down_period),
            (self._grown, 15.0),
        ):
            while kept and kept[0][0] <= now - age and len(kept) > (kept is self._proposed):
                kept.popleft()
