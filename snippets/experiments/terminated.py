"""E8: SIGTERM, and SIGKILL 5 s later, as orchestrators do; and what SIGTERM alone does."""

import signal
import time
from collections.abc import Mapping
from contextlib import suppress

from .bench import NONE, Seen, Settings, bench
from .settings import DEFAULTS, REJECT, visible

GRACE = 5
SOFT = 3
REMAPPED = {"REMAP_SIGTERM": "SIGQUIT"}  # read when Celery is imported: a setting comes too late


def terminated(settings: Settings, environment: Mapping[str, str] = NONE) -> Seen:
    with bench(REJECT | visible(15) | settings) as it:
        worker = it.worker(environment=environment)
        it.send("report", seconds=60)
        it.started("report")
        it.worker(environment=environment)  # the one that should take over
        worker.ask(signal.SIGTERM)
        asked = time.time()
        with suppress(TimeoutError):
            it.wait(lambda: not worker.alive, within=GRACE)
        in_time, took = not worker.alive, time.time() - asked
        worker.kill()
        again = it.started("report", times=2)
        told = [entry.at - asked for entry in it.diary("told")][:1]
        return it.seen(
            "report",
            ended="in time" if in_time else "killed",
            ended_after=took,
            back_after=again.at - asked,
            told_after=told[0] if told else "never",
        )


def warm() -> Seen:
    return terminated({})


def soft() -> Seen:
    return terminated({"worker_soft_shutdown_timeout": 2}, REMAPPED)


def idle() -> Seen:
    """A worker that runs nothing."""
    with bench(DEFAULTS) as it:
        worker = it.worker()
        worker.ask(signal.SIGTERM)
        asked = time.time()
        it.wait(lambda: not worker.alive)
        return {"ended_after": time.time() - asked}


# --8<-- [start:alone]
def waits() -> Seen:
    """Celery's default: SIGTERM alone, in the middle of a long task."""
    with bench(DEFAULTS) as it:
        worker = it.worker()
        it.send("report", seconds=600)
        it.started("report")
        worker.ask(signal.SIGTERM)
        it.wait(lambda: it.diary("told"))
        with suppress(TimeoutError):
            it.wait(lambda: not worker.alive, within=GRACE)
        return it.seen("report", ended="in time" if not worker.alive else "waits")


def loses() -> Seen:
    """A soft shutdown, and a task that was acknowledged when it was taken, the default."""
    with bench({"worker_soft_shutdown_timeout": SOFT}) as it:
        worker = it.worker(environment=REMAPPED)
        it.send("report", seconds=600)
        it.started("report")
        worker.ask(signal.SIGTERM)
        asked = time.time()
        it.wait(lambda: not worker.alive)
        took = time.time() - asked
        it.worker()
        it.settle()
        return it.seen("report", ended_after=took, held=it.held())


# --8<-- [end:alone]
