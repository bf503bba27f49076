"""What readers that hardly read cost, and what they cost the others."""

import time
from collections.abc import Iterator
from dataclasses import replace

import psutil

from tests.bench.driver import Driver
from tests.bench.figures import Figure
from tests.bench.followed import Followed
from tests.bench.plan import Plan
from tests.bench.remote import Remote
from tests.bench.world import World

RATE = 50.0


def slowly(world: World, plan: Plan) -> Iterator[Figure]:
    """Readers of a byte a second beside ten that read, of a task that logs a lot."""
    seconds = 5 * plan.seconds
    driver = Driver(world, world.exits)
    tasks = driver.running(2)
    api = Followed(world, world.api("api"), replace(plan, streams=10, seconds=seconds))
    process = psutil.Process(api.served.child.pid)
    events = round(RATE * seconds)
    lags = []
    before, slow = 0, world.exits.enter_context(Remote("tests.bench.slow"))
    for task, crowd in zip(tasks, (0, plan.slow), strict=True):
        path = f"/tasks/{task.id}/stream"
        api.open([str(task.id)], history=True)
        if crowd:
            before = process.memory_info().rss
            assert slow.ask("open", port=api.served.port, path=path, count=crowd) == crowd
            time.sleep(2)
        api.readers.ask("take")
        driver.play([task], RATE, seconds, padding=2000)
        lags.append(api.lags(10 * events, driver.committed))
    grown = (process.memory_info().rss - before) / 2**20
    says = f"beside {plan.slow} readers of 1 byte/s"
    yield Figure("slow-memory", f"memory of {plan.slow} readers of 1 byte/s", [grown], "MiB",
                 at_most=100)  # fmt: skip
    yield Figure("quick-p99", "COMMIT to client, p99", [lags[0]["p99"]], "ms")
    yield Figure("quick-beside-p99", f"the same {says}", [lags[1]["p99"]], "ms")
    yield Figure("quick-missing", f"events missing {says}", [lags[1]["missing"]], at_most=0)
