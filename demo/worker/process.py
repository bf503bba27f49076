"""What Celery's signals mean here: made after the fork, told at SIGTERM, freed when lost."""

import logging
import os
import signal
import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from billiard.exceptions import WorkerLostError
from celery import bootsteps, signals
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from demo import telemetry
from demo.blobs import Blobs
from demo.broker import app
from demo.outbound import Outbound
from demo.settings import settings
from demo.store import losses
from demo.store.engines import begin, engine
from demo.wakeups import Publisher
from demo.worker.pulse import Pulse

LOG = logging.getLogger(__name__)
STOP = signal.SIGUSR2  # SIGUSR1 is the pool's own
stopping = threading.Event()


@dataclass(frozen=True, slots=True)
class Process:
    """What one pool child holds; nothing of it crossed the fork."""

    worker: str
    source: Engine
    publisher: Publisher
    outbound: Outbound
    blobs: Blobs
    pulse: Pulse


_this: list[Process] = []


def this() -> Process:
    """The running pool child."""
    return _this[0]


def publisher() -> Publisher:
    """A publisher with this process's settings."""
    knobs = settings()
    return Publisher(knobs.redis_url.get_secret_value(), knobs.signing_key())


@signals.worker_process_init.connect
def start_child(sender: str | None = None, **_: Any) -> None:
    """Make engines, clients and exporters; hear the parent's word to stop."""
    knobs = settings()
    signal.signal(STOP, lambda *_: stopping.set())
    telemetry.start("worker")
    source = engine(knobs.database_url.get_secret_value(), prepares=knobs.prepare)
    outbound, blobs = Outbound(source, knobs), Blobs(knobs)
    pulse = Pulse(knobs.flush)
    pulse.start()
    _this[:] = [Process(sender or "worker", source, publisher(), outbound, blobs, pulse)]


@signals.worker_process_shutdown.connect
def stop_child(**_: Any) -> None:
    """Send the last spans."""
    telemetry.stop()


# --8<-- [start:transport]
@signals.celeryd_init.connect
def take_and_forget(conf: Any = None, **_: Any) -> None:
    """Of all that talk to the broker only a worker takes hints; it keeps no copy of them."""
    conf.broker_transport = "demo.hints:Transport"


# --8<-- [end:transport]


# --8<-- [start:lost]
@signals.celeryd_init.connect
def free_predecessor(sender: str, **_: Any) -> None:
    """A worker of this name starts: the attempts of the one before it are dead."""
    settings().signing_key()  # refuse to start without one
    _free(lambda c, budget: losses.worker_gone(c, sender, budget=budget))


@signals.task_failure.connect
def free_lost(exception: BaseException | None = None, args: Any = (), **_: Any) -> None:
    """The parent saw a pool child die: its attempt is free at once, before its lease ends."""
    if isinstance(exception, WorkerLostError):
        id, sent = args
        _free(lambda c, budget: losses.child_gone(c, UUID(id), sent + 1, budget=budget))


# --8<-- [end:lost]


def _free(find: Any) -> None:
    knobs = settings()
    source = engine(knobs.database_url.get_secret_value(), pool_size=1)
    try:
        with begin(source) as connection:
            freed = find(connection, knobs.crash_budget)
    except SQLAlchemyError as error:
        LOG.warning("the leases will free what was lost: %s", type(error).__name__)
        return
    finally:
        source.dispose()
    told = publisher()
    told.publish(*freed)
    told.nudge()


# --8<-- [start:release]
class ReleaseChildren(bootsteps.StartStopStep):
    """SIGTERM, between the consumer's stop and the pool's: children hand their tasks back.

    The consumer stops first, or this worker would take the hints of what it just released.
    Works end at their next yield, so the pool's warm stop behind this step is quick.
    """

    requires = ("celery.worker.components:Pool",)

    def stop(self, parent: Any) -> None:
        """Tell each child; go cold when one doesn't heed it within the grace."""
        for pid in parent.pool.info["processes"]:
            os.kill(pid, STOP)
        grace = settings().release_grace
        late = threading.Timer(grace, os.kill, (os.getpid(), signal.SIGQUIT))
        late.daemon = True
        late.start()


# --8<-- [end:release]
app.steps["worker"].add(ReleaseChildren)
