"""The common pattern's price: a loop for each stream that asks the result backend each second."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

from demo.wakeups import connect
from tests.bench.figures import Figure
from tests.bench.followed import GRACE, Followed
from tests.bench.meter import Meter
from tests.bench.plan import Plan
from tests.bench.world import World

MOST = 2000  # loops; more of them starve each other and the figures say nothing


def pattern(world: World, plan: Plan) -> Iterator[Figure]:
    """A loop for each stream that asks the result backend each second: one short round."""
    plan = replace(plan, streams=min(plan.streams, MOST))
    seconds = 2 * plan.seconds
    server = world.rival("polling")
    followed = Followed(world, server, plan)
    opened = followed.open([f"t{n}" for n in range(plan.topics)])
    resting = Meter(world, server.child.pid).over(max(1, plan.seconds))
    told = _progress(world, plan, seconds)
    events = round(plan.streams * seconds)
    lags = followed.lags(events, told, late=GRACE)  # some it never sees
    says = f"{plan.streams} polling loops"
    yield Figure("pattern-p50", f"{says}, lag p50", [lags["p50"]], "ms")
    yield Figure("pattern-p99", f"{says}, lag p99", [lags["p99"]], "ms")
    missed = 100 * lags["missing"] / events
    yield Figure("pattern-missing", f"{says}, events never seen", [missed], "%")
    yield Figure("pattern-memory", f"{says}, memory a stream", [opened["kib"]], "KiB")
    yield Figure("pattern-redis", f"{says}, idle Redis commands", [resting["redis"]], "/s")
    yield Figure("pattern-cpu", f"{says}, idle CPU", [resting["cpu"]], "% of a core")


def _progress(world: World, plan: Plan, seconds: float) -> dict[int, int]:
    """One result a second for each task, as a worker of the common pattern keeps it."""
    told: dict[int, int] = {}
    with connect(world.redis_url) as backend:
        began = time.monotonic()
        for number in range(round(plan.topics * seconds)):
            time.sleep(max(0, began + number / plan.topics - time.monotonic()))
            stamp = time.monotonic_ns()
            event = {"seq": number // plan.topics + 1, "type": "log", "attempt": 1}
            data = {"level": "info", "message": f"{stamp} a line of a log"}
            name = f"celery-task-meta-t{number % plan.topics}"
            backend.set(name, json.dumps({**event, "data": data}))
            told[stamp] = time.monotonic_ns()
    return told
