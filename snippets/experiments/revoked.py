"""E7: a task is revoked, and runs: a revoke lives in the memory of the workers that heard it."""

from .bench import Seen, bench
from .settings import DEFAULTS


def forgotten() -> Seen:
    """The worker that knew of it is killed and started again."""
    with bench(DEFAULTS | {"worker_disable_prefetch": True}) as it:
        worker = it.worker()
        it.send("long", seconds=60)
        it.started("long")
        it.send("report")
        it.celery.control.revoke("report")
        it.wait(lambda: "Tasks flagged as revoked: report" in worker.log.read_text())
        told = it.state("report")
        worker.kill()
        it.worker()
        it.settle()
        return it.seen("report", told=told)


# --8<-- [start:unheard]
def unheard() -> Seen:
    """No worker was up."""
    with bench(DEFAULTS) as it:
        it.send("report")
        it.celery.control.revoke("report")
        it.worker()
        it.settle()
        return it.seen("report")


# --8<-- [end:unheard]
