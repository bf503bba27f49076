"""The worker beside a bare Celery worker; a checkpoint beside one INSERT and its COMMIT."""

import threading
import time
from collections.abc import Callable, Iterator
from statistics import median

from sqlalchemy import Engine, text

from demo.contract import Checkpoint
from demo.settings import Settings
from demo.store import attempts, submitting
from demo.store.engines import begin, engine, once
from demo.wakeups import Publisher, connect
from demo.worker.attempt import Attempt
from tests.bench.driver import Driver
from tests.bench.figures import Figure, ratio
from tests.bench.plan import Plan
from tests.bench.rivals import noop
from tests.bench.world import KEY, World
from tests.stack import eventually

INPUT = {"steps": 1, "step_seconds": 0}
STEPS = 100
FAILED = text("SELECT count(*) FROM tasks WHERE status <> 'succeeded'")
LEFT = text("""
    SELECT EXISTS (SELECT FROM tasks WHERE status = 'queued')
        OR EXISTS (SELECT FROM tasks WHERE status IN ('running', 'canceling'))""")


def tasks(world: World, plan: Plan) -> Iterator[Figure]:
    """Tasks that do nothing: as row, hint, claim and end; with a checkpoint; as Celery's own."""
    role = {"DEMO_DATABASE_URL": world.database.worker}
    idle = world.celery("tests.bench.nothing", "rehearsal", plan.slots, **role)
    world.celery("tests.bench.rivals.noop", noop.QUEUE, plan.slots)
    world.start("dispatcher", "demo", "dispatcher", measured=False, environment=role)
    source = engine(world.database.owner)
    world.exits.callback(source.dispose)
    bare, ours = [], []
    for number in range(plan.rounds + 1):
        theirs, mine = _noops(world, 3 * plan.tasks), _rehearsals(world, source, plan.tasks)
        if number:  # the first one warms up
            bare.append(theirs)
            ours.append(mine)
    idle.kill()
    world.celery("demo.broker", "rehearsal", plan.slots, **role)
    stepped = [_rehearsals(world, source, plan.tasks) for _ in range(plan.rounds + 1)][1:]
    says = f"no-op tasks, {plan.slots} slots"
    yield Figure("celery-rate", f"bare Celery, {says}", bare, "tasks/s")
    yield Figure("worker-rate", f"worker, {says}", ours, "tasks/s")
    yield Figure("worker-ratio", "worker / bare Celery", ratio(ours, bare), at_least=0.5)
    yield Figure("worker-step-rate", "worker, with one checkpoint each", stepped, "tasks/s")
    yield Figure("worker-step-ratio", "the same / bare Celery", ratio(stepped, bare))


def _noops(world: World, count: int) -> float:
    with (
        connect(world.redis_url) as client,
        noop.app.connection_for_write(world.redis_url) as broker,
    ):
        producer = broker.Producer()
        began = time.monotonic()
        for _ in range(count):
            noop.app.send_task("noop", producer=producer)
        eventually(lambda: noop.waiting(client) == 0, within=60)
        return count / (time.monotonic() - began)


def _rehearsals(world: World, source: Engine, count: int) -> float:
    with begin(source) as connection:
        for _ in range(count):
            submitting.submit(connection, "local", kind="rehearsal", input=INPUT)
    publisher = Publisher(world.redis_url, KEY.encode())
    began = time.monotonic()
    publisher.nudge()

    def ended() -> bool:
        with once(source) as connection:
            return not connection.execute(LEFT).scalar_one()

    eventually(ended, within=120, what="the tasks did not end")
    rate = count / (time.monotonic() - began)
    publisher.close()
    with begin(source) as connection:
        assert connection.execute(FAILED).scalar_one() == 0, "a task did not succeed"
    return rate


def checkpoint(world: World, plan: Plan) -> Iterator[Figure]:
    """A step with its effect as the worker commits it, in turn with one row of a bare table."""
    owner = engine(world.database.owner)
    with begin(owner) as connection:
        connection.execute(text("CREATE TABLE plain (id bigserial PRIMARY KEY, data jsonb)"))
        connection.execute(text("GRANT INSERT ON plain TO lro_worker"))
        connection.execute(text("GRANT USAGE ON SEQUENCE plain_id_seq TO lro_worker"))
    owner.dispose()
    source = engine(world.database.worker)
    world.exits.callback(source.dispose)
    (task,) = Driver(world, world.exits).running(1)
    publisher = Publisher(world.redis_url, KEY.encode())
    attempt = Attempt(task, source, publisher, Settings(), threading.Event())

    def store_only(step: int) -> None:
        with begin(source) as connection:
            assert attempts.checkpoint(connection, task, _point(step), [], lease=60)

    timed: dict[str, Callable[[int], None]] = {
        "insert": lambda _: _insert(source),
        "store": store_only,
        "step": lambda step: attempt.checkpoint(_point(step)),
    }
    rounds: dict[str, list[float]] = {name: [] for name in timed}
    steps = iter(range(1, 10**9))
    for _ in range(plan.rounds):
        one: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(STEPS):
            for name, act in timed.items():
                began = time.perf_counter()
                act(next(steps))
                one[name].append(1000 * (time.perf_counter() - began))
        for name, times in one.items():
            rounds[name].append(median(times))
    yield Figure("insert", "one INSERT and its COMMIT", rounds["insert"], "ms")
    yield Figure("checkpoint", "one checkpoint with its effect", rounds["store"], "ms")
    yield Figure("step", "the same with its wake-up", rounds["step"], "ms")
    ratios = ratio(rounds["step"], rounds["insert"])
    yield Figure("checkpoint-ratio", "checkpointed step / INSERT + COMMIT", ratios, at_most=2)


def _point(step: int) -> Checkpoint:
    return Checkpoint(step, {"done": step}, 50, f"Step {step}", {f"step/{step}": {"attempt": 1}})


def _insert(source: Engine) -> None:
    with begin(source) as connection:
        connection.execute(text("INSERT INTO plain (data) VALUES ('{\"done\": 1}')"))
