"""E9: early ack and the default prefetch: what waits in a worker's buffer is not acknowledged."""

from .bench import Seen, bench
from .settings import DEFAULTS, visible


def prefetched() -> Seen:
    with bench(DEFAULTS | visible(5)) as it:
        it.worker()
        names = [f"report-{number}" for number in range(4)]
        for name in names:
            it.send(name, seconds=4)
        it.started(names[0])
        it.worker()
        it.settle()
        return {"sent": 4, "twice": sum(len(it.diary("finish", name)) > 1 for name in names)}
