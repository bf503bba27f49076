"""Deploys: a process that ends and comes back, two that are replaced in turn, all under streams."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from demo.store.records import Record
from tests.bench.driver import Driver
from tests.bench.figures import Figure
from tests.bench.plan import Plan
from tests.bench.remote import Remote
from tests.bench.world import Served, World, answering

PATIENCE = 60.0
PACE = 0.2  # events a second of each task meanwhile


class Crowd:
    """Readers that come back, tasks that move meanwhile, and what became of both."""

    def __init__(self, world: World, topics: int) -> None:
        self._driver = Driver(world, world.exits)
        self.tasks = self._driver.running(topics)
        self.readers = world.exits.enter_context(Remote("tests.bench.returning"))
        self._streams = 0

    def open(self, port: int, streams: int) -> None:
        """Open all, the tasks in turn, and see them live."""
        self._streams = streams
        paths = [f"/tasks/{self._task(n).id}/stream" for n in range(streams)]
        self.readers.ask("open", port=port, paths=paths)
        self._all_have()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Events are committed as long as the block lasts; at its end every reader has them."""
        with ThreadPoolExecutor(1) as pool:
            going = [True]
            played = pool.submit(self._play, going)
            try:
                yield
            finally:
                going.clear()
            played.result()
        self._all_have()

    def until(self, **wanted: int) -> dict[str, Any]:
        """Wait for counts of readers."""
        told: dict[str, Any] = self.readers.ask("until", seconds=PATIENCE, **wanted)
        return told

    def wrong(self) -> int:
        """Events that came twice or not at all, and answers that were an error."""
        told = self.readers.ask("told")
        heads = [self._driver.heads[self._task(n).id] for n in range(self._streams)]
        behind = sum(head - last for head, last in zip(heads, told["lasts"], strict=True))
        refused = sum(n for status, n in told["statuses"].items() if status not in FINE)
        return int(told["twice"] + told["missed"] + behind + refused)

    def _all_have(self) -> None:
        for task in self.tasks:
            self._driver.commit(task)
        self.until(least=min(self._driver.heads.values()), open=self._streams)

    def _play(self, going: list[bool]) -> None:
        while going:
            self._driver.play(self.tasks, PACE, 1)

    def _task(self, number: int) -> Record:
        return self.tasks[number % len(self.tasks)]


FINE = {"200", "unreachable"}  # who finds nobody listening saw no error page, and tries again


def restart(world: World, plan: Plan) -> Iterator[Figure]:
    """The process ends and is started again under all streams; other requests go on meanwhile."""
    api = world.api("api")
    crowd = Crowd(world, plan.topics)
    crowd.open(api.port, plan.streams)
    head = f"GET /tasks/{crowd.tasks[0].id} HTTP/1.1"
    with crowd.moving(), Remote("tests.bench.load") as load, ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        _again(api)
        ready = time.monotonic() - began
        asked = {"port": api.port, "head": head, "connections": 1, "seconds": plan.resume}
        others = pool.submit(load.ask, "run", **asked)
        back = crowd.until(cut=plan.streams, open=plan.streams)
        slow = others.result()
    says = f"{plan.streams} streams after a restart"
    yield Figure("restart-ready", "the process is there again after", [ready], "s")
    yield Figure("restart-back", f"{says}, all back", [back["last_back"] - began], "s", at_most=30)
    yield Figure("restart-wrong", f"{says}, events lost or twice", [crowd.wrong()], at_most=0)
    yield Figure("restart-others-p50", "other requests meanwhile, p50", [slow["p50"]], "ms")
    yield Figure(
        "restart-others-p99", "other requests meanwhile, p99", [slow["p99"]], "ms", at_most=250
    )


def rolling(world: World, plan: Plan) -> Iterator[Figure]:
    """Two processes behind a tiny balancer, replaced one after the other under open streams."""
    apis = [world.api(name) for name in ("one", "two")]
    balancer = world.exits.enter_context(Remote("tests.bench.relay"))
    balancer.ask("point", ports=[api.port for api in apis])
    port = balancer.ask("listen")
    crowd = Crowd(world, min(plan.held, 100))
    crowd.open(port, plan.held)
    with crowd.moving():
        began = time.monotonic()
        for number, api in enumerate(apis, 1):
            _again(api)
            crowd.until(open=plan.held, cuts=number * plan.held // 3)
        took = time.monotonic() - began
    told = crowd.readers.ask("told")
    says = f"two processes replaced under {plan.held} streams"
    pages = sum(n for status, n in told["statuses"].items() if status not in FINE)
    yield Figure("rolling-seconds", says, [took], "s")
    yield Figure("rolling-cuts", "streams cut and resumed meanwhile", [told["cuts"]])
    yield Figure("rolling-pages", "error pages seen", [pages], at_most=0)
    yield Figure("rolling-wrong", "events lost or twice", [crowd.wrong()], at_most=0)


def _again(api: Served) -> None:
    """SIGTERM as at a deploy, then the same again on the same port."""
    api.child.stop()
    api.child.start()
    answering(api, "/readyz")
