"""Streams: idle cost, lag from COMMIT to client, memory, broadcast; beside a bare response."""

import time
from collections.abc import Iterator

from demo.store.records import Record
from tests.bench.driver import Driver
from tests.bench.figures import Figure
from tests.bench.followed import Followed
from tests.bench.meter import Meter
from tests.bench.plan import Plan
from tests.bench.world import World

Rounds = list[dict[str, float]]
BARE = "bare ASGI stream"
SSE = "sse-starlette stream"
SOCKET = "bare WebSocket"


def streams(world: World, plan: Plan) -> Iterator[Figure]:
    """Streams on one process, over tasks whose events one driver commits."""
    driver = Driver(world, world.exits)
    tasks = driver.running(plan.topics)
    served = (world.api("api"), world.rival("frames"), world.rival("sse"))
    api, bare, sse = (Followed(world, one, plan) for one in served)
    meter = Meter(world, api.served.child.pid)
    without = meter.over(plan.idle / 2)
    opened = api.open([str(task.id) for task in tasks], history=True)
    rival, common = (one.open(list(range(plan.topics))) for one in (bare, sse))
    time.sleep(plan.settle)
    yield Figure("streams", "streams on one process", [plan.streams])
    yield Figure("stream-tasks", "tasks they follow", [plan.topics])
    yield Figure("stream-memory", "memory a stream", [opened["kib"]], "KiB", at_most=32)
    yield Figure("bare-stream-memory", f"{BARE}, the same", [rival["kib"]], "KiB")
    yield Figure("sse-stream-memory", f"{SSE}, the same", [common["kib"]], "KiB")
    yield Figure("stream-opening", "all opened in", [opened["seconds"]], "s")
    yield Figure("bare-stream-opening", f"{BARE}s, the same", [rival["seconds"]], "s")
    yield from _idle(plan, meter, without)
    yield from _lags(plan, driver, tasks, api, bare)
    yield from _timed(plan, sse, "sse-stream", SSE)
    yield from _broadcast(plan, driver, api, bare)


def _idle(plan: Plan, meter: Meter, without: dict[str, float]) -> Iterator[Figure]:
    idle = meter.over(plan.idle)
    says = f"with {plan.streams} idle streams"
    for name, counted, unit in (
        ("redis", "Redis commands", "/s"),
        ("sql", "SQL transactions", "/s"),
        ("cpu", "CPU", "% of a core"),
    ):
        yield Figure(f"idle-{name}-none", f"{counted} without a stream", [without[name]], unit)
        yield Figure(f"idle-{name}", f"{counted} {says}", [idle[name]], unit)
    yield Figure("idle-connections", f"Redis connections {says}", [meter.subscribers()], at_most=1)


def _lags(
    plan: Plan, driver: Driver, tasks: list[Record], api: Followed, bare: Followed
) -> Iterator[Figure]:
    """One event a second for each stream."""
    ours: Rounds = []
    theirs: Rounds = []
    kept, spent, spent_bare = [], [], []
    for _ in range(plan.rounds):
        used, used_bare = api.cpu, bare.cpu
        kept.append(driver.play(tasks, 1, plan.stream_seconds))
        ours.append(api.lags(_events(plan), driver.committed))
        bare.play(plan.topics, plan.stream_seconds)
        theirs.append(bare.lags(_events(plan)))
        spent.append(1e6 * (api.cpu - used) / _events(plan))
        spent_bare.append(1e6 * (bare.cpu - used_bare) / _events(plan))
    yield Figure("stream-pace", "events/s a stream that the driver kept", kept)
    yield from _quantiles("stream", "COMMIT to client", ours, (5, 50))
    yield from _quantiles("bare-stream", f"{BARE}, timer to client", theirs)
    yield Figure("stream-cpu", "CPU an event and stream", spent, "µs")
    yield Figure("bare-stream-cpu", f"{BARE}, the same", spent_bare, "µs")
    missing = [one["missing"] + one["gaps"] for one in ours]
    yield Figure("stream-missing", "events missing", missing, at_most=0)


def upgraded(world: World, plan: Plan) -> Iterator[Figure]:
    """WebSocket: the bare server's frames and timer over connections that were upgraded."""
    followed = Followed(world, world.rival("upgraded"), plan)
    opened = followed.open(list(range(plan.topics)), upgrade=True)
    yield Figure("socket-memory", f"{SOCKET}, memory of one", [opened["kib"]], "KiB")
    yield from _timed(plan, followed, "socket", SOCKET)


def _timed(plan: Plan, followed: Followed, name: str, says: str) -> Iterator[Figure]:
    """The bare server's timer behind another response."""
    lags: Rounds = []
    spent = []
    for _ in range(plan.rounds):
        used = followed.cpu
        followed.play(plan.topics, plan.stream_seconds)
        lags.append(followed.lags(_events(plan)))
        spent.append(1e6 * (followed.cpu - used) / _events(plan))
    followed.readers.ask("close")
    yield from _quantiles(name, f"{says}, timer to client", lags)
    yield Figure(f"{name}-cpu", f"{says}, CPU an event", spent, "µs")


def _broadcast(plan: Plan, driver: Driver, api: Followed, bare: Followed) -> Iterator[Figure]:
    """One event that all streams follow."""
    (task,) = driver.running(1)
    api.open([str(task.id)], history=True)
    bare.open([0])
    ours: Rounds = []
    theirs: Rounds = []
    for _ in range(plan.rounds):
        driver.commit(task)
        ours.append(api.lags(plan.streams, driver.committed))
        bare.play(1, 1)
        theirs.append(bare.lags(plan.streams))
    says = f"one event to {plan.streams}"
    yield from _quantiles("broadcast", says, ours, (None, 1000))
    yield from _quantiles("bare-broadcast", f"{BARE}, the same", theirs)


def _quantiles(
    name: str, says: str, rounds: Rounds, most: tuple[float | None, float | None] = (None, None)
) -> Iterator[Figure]:
    for share, goal in zip(("p50", "p99"), most, strict=True):
        lags = [one[share] for one in rounds]
        yield Figure(f"{name}-{share}", f"{says}, {share}", lags, "ms", at_most=goal)


def _events(plan: Plan) -> int:
    """How many frames all streams together get in a round."""
    readers = [len(range(n, plan.streams, plan.topics)) for n in range(plan.topics)]
    played = round(plan.topics * plan.stream_seconds)
    return sum(readers[n % plan.topics] for n in range(played))
