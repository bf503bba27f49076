"""Streams of one server as their readers see them."""

from typing import Any

import httpx
import psutil

from tests.bench.figures import quantile
from tests.bench.plan import Plan
from tests.bench.remote import Remote
from tests.bench.world import Served, World

GRACE = 1.0  # seconds for what may never come
LATE = 60.0  # seconds for what must come: the wait is over when all of it is there


class Followed:
    """Streams of one server, and the process that reads them."""

    def __init__(self, world: World, served: Served, plan: Plan) -> None:
        self.served = served
        self.readers = world.exits.enter_context(Remote("tests.bench.readers"))
        self._plan = plan
        self._process = psutil.Process(served.child.pid)

    def open(
        self, names: list[Any], *, history: bool = False, upgrade: bool = False
    ) -> dict[str, float]:
        """Open all, the tasks in turn; KiB a stream, and how long it took."""
        self.readers.ask("close")
        before = self._process.memory_info().rss
        streams = self._plan.streams
        paths = [f"/tasks/{names[n % len(names)]}/stream" for n in range(streams)]
        how = {"history": history, "upgrade": upgrade}
        opened = self.readers.ask("open", port=self.served.port, paths=paths, **how)
        assert opened["open"] == streams, opened
        self.readers.ask("wait", events=1, seconds=GRACE)
        grown = self._process.memory_info().rss - before
        return {"kib": grown / 1024 / streams, "seconds": opened["seconds"]}

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the server has used."""
        return float(sum(self._process.cpu_times()[:2]))

    def lags(
        self, events: int, committed: dict[int, int] | None = None, late: float = LATE
    ) -> dict[str, float]:
        """Milliseconds from COMMIT, or from the timer, to the reader; and what did not come."""
        patience = late + self._plan.stream_seconds + events / 5000
        self.readers.ask("wait", events=events, seconds=patience)
        told = self.readers.ask("take")
        stamps, seen = told["arrivals"][::2], told["arrivals"][1::2]
        sent = committed or {}
        lags = [(b - sent.get(a, a)) / 1e6 for a, b in zip(stamps, seen, strict=True)]
        return {
            "p50": quantile(lags, 0.5),
            "p99": quantile(lags, 0.99),
            "missing": events - len(stamps) + told["lost"],
            "gaps": told["gaps"],
        }

    def play(self, tasks: int, seconds: float) -> None:
        """Start the timer of the bare server."""
        url = f"{self.served.url}/play?tasks={tasks}&rate=1&seconds={seconds}"
        httpx.post(url, trust_env=False).raise_for_status()
