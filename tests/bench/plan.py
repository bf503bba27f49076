"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The options of a run."""

    rounds: int = 3
    seconds: float = 2.0
    connections: int = 16
    streams: int = 1000
    held: int = 1000
    idle: float = 11.0  # two sweeps at least
    settle: float = 11.0  # PostgreSQL counts what an idle connection did after 10 s
    resume: float = 20.0  # seconds in which other requests are timed after a restart
    slow: int = 500  # readers of a byte a second
    tasks: int = 600
    slots: int = 4

    @property
    def topics(self) -> int:
        """Tasks that the streams follow: 100 or more, 50 streams each."""
        return min(self.streams, max(100, self.streams // 50))

    @property
    def stream_seconds(self) -> float:
        """A round of streams is longer, for each of them gets one event a second."""
        return 2.5 * self.seconds


QUICK = Plan(seconds=0.4, streams=200, held=200, idle=1, settle=0, resume=4, slow=100, tasks=100)
