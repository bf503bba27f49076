"""E1: a pool child dies, as by the kernel's out-of-memory killer."""

import os
import signal

from .bench import Seen, Settings, bench
from .settings import DEFAULTS, LATE, REJECT


# --8<-- [start:kill]
def child_killed(settings: Settings) -> Seen:
    with bench(settings) as it:
        it.worker()
        it.send("report", seconds=5)
        os.kill(it.started("report").pid, signal.SIGKILL)
        it.wait(lambda: it.state("report") in ("FAILURE", "SUCCESS"))
        it.send("next")  # it runs, so the worker lives and had its chance to try again
        it.wait(lambda: it.diary("finish", "next"))
        it.wait(lambda: it.state("next") == "SUCCESS" and it.held() == 0)  # late acks are later
        return it.seen("report", held=it.held())


# --8<-- [end:kill]


def by_default() -> Seen:
    return child_killed(DEFAULTS)


def acked_late() -> Seen:
    return child_killed(LATE)


def rejected() -> Seen:
    return child_killed(REJECT)


# --8<-- [start:poison]
def poison(times: int = 10) -> Seen:
    with bench(REJECT) as it:
        it.worker()
        it.send("poison", task="poison")
        first = it.started("poison")
        latest = it.started("poison", times)  # and the next one, and so on
        return it.seen("poison", window=latest.at - first.at)


# --8<-- [end:poison]
