"""E2: a whole worker dies with its children while another one lives."""

import time

from .bench import Seen, Settings, bench
from .settings import LATE, visible


def worker_killed(transport: Settings, idle: float = 0) -> Seen:
    with bench(LATE | transport) as it:
        workers = {worker.pid: worker for worker in (it.worker(), it.worker())}
        time.sleep(idle)
        it.send("report", seconds=1)
        workers[it.started("report").worker].kill()
        killed = time.time()
        back = it.started("report", times=2, within=130)
        it.settle()
        return it.seen("report", back_after=back.at - killed)


def swept_often() -> Seen:
    return worker_killed(visible(5))


def swept_by_default() -> Seen:
    """The survivor has swept already; its next look comes within about 100 s."""
    return worker_killed(visible(5, unacked_restore_interval=10), idle=11)
