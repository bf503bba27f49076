"""E10: the connections that a stock worker with a Redis result backend holds."""

import psutil

from .bench import Bench, Seen, bench
from .settings import DEFAULTS
from .worker import Worker


def connections() -> Seen:
    with bench(DEFAULTS) as it:
        return {"one_slot": _held(it, slots=1), "four_slots": _held(it, slots=4)}


def _held(it: Bench, slots: int) -> int:
    before = len(it.diary("finish"))
    worker = it.worker(slots)
    for number in range(slots):
        it.send(f"report-{slots}-{number}", seconds=1)  # each slot has written a result
    it.wait(lambda: len(it.diary("finish")) - before == slots)
    it.wait(lambda: all(it.state(f"report-{slots}-{n}") == "SUCCESS" for n in range(slots)))
    held = _open(it, worker)
    worker.kill()
    return held


def _open(it: Bench, worker: Worker) -> int:
    parent = psutil.Process(worker.pid)
    links = [link for one in (parent, *parent.children()) for link in one.net_connections("tcp")]
    return sum(
        link.status == psutil.CONN_ESTABLISHED and link.raddr.port == it.valkey.port
        for link in links
    )
