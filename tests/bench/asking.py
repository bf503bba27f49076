"""Submit and status at 16 connections, beside a bare FastAPI; submit beside open streams."""

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psutil

from tests.bench.driver import Driver
from tests.bench.figures import Figure, ratio
from tests.bench.plan import Plan
from tests.bench.remote import Remote
from tests.bench.world import Served, World

BODY = json.dumps({"kind": "rehearsal", "input": {"steps": 1, "step_seconds": 0}})
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds of CPU: the least that the kernel counts
SUBMIT = "POST /tasks HTTP/1.1"
Rounds = list[dict[str, Any]]


def requests(world: World, plan: Plan) -> Iterator[Figure]:
    """Submit and status at some connections, beside a bare FastAPI and beside open streams."""
    collector = world.rival("bare", "collector", measured=False)
    bare, api, held = world.rival("bare"), world.api("api"), world.api("held")
    sink = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    traced = world.api("traced", **sink)
    all_traced = world.api("all", **sink, DEMO_TRACES_A_SECOND="1000000")
    ours = {"submit": api, "submit-traced": traced, "submit-all-traced": all_traced}
    for served in ours.values():
        _honours_keys(served)
    common = world.rival("common", DEMO_DATABASE_URL=world.database.owner)
    yield from _submit(plan, {"bare-submit": bare, "common-submit": common}, ours)
    yield from _status(plan, bare, common, api)
    yield from _loaded(world, plan, api, held)


def _submit(plan: Plan, rivals: dict[str, Served], ours: dict[str, Served]) -> Iterator[Figure]:
    found = _in_turn(plan, {**rivals, **ours}, SUBMIT, BODY)
    yield from _described("bare-submit", "bare FastAPI 202", found["bare-submit"])
    yield from _described("common-submit", "ORM row + send_task", found["common-submit"])
    says = {
        "submit": "submit",
        "submit-traced": "submit, traced",
        "submit-all-traced": "submit, each with a span",
    }
    for name in ours:
        yield from _described(name, says[name], found[name])
        goals = (None, None) if name == "submit-all-traced" else (0.30, 3)
        yield from _compared(name, says[name], found[name], found["bare-submit"], *goals)


def _status(plan: Plan, bare: Served, common: Served, api: Served) -> Iterator[Figure]:
    head = f"GET /tasks/{_submitted(api).json()['id']} HTTP/1.1"
    found = _in_turn(plan, {"bare-status": bare, "common-status": common, "status": api}, head)
    yield from _described("bare-status", "bare FastAPI GET", found["bare-status"])
    yield from _described("common-status", "result backend's state", found["common-status"])
    yield from _described("status", "status", found["status"])
    yield from _compared("status", "status", found["status"], found["bare-status"], 0.50, 3)


def _loaded(world: World, plan: Plan, free: Served, held: Served) -> Iterator[Figure]:
    """A process that holds idle streams, in turn with its twin that holds none."""
    tasks = Driver(world, world.exits).running(min(plan.held, 100))
    readers = world.exits.enter_context(Remote("tests.bench.readers"))
    paths = [f"/tasks/{tasks[n % len(tasks)].id}/stream" for n in range(plan.held)]
    opened = readers.ask("open", port=held.port, paths=paths, history=True)
    assert opened["open"] == plan.held, opened
    found = _in_turn(plan, {"unloaded": free, "loaded": held}, SUBMIT, BODY)
    says = f"submit with {plan.held} idle streams"
    yield from _described("loaded", says, found["loaded"])
    rates = (_all(found[name], "rate") for name in ("loaded", "unloaded"))
    yield Figure("loaded-ratio", f"{says} / without", ratio(*rates), at_least=0.8)


def _in_turn(plan: Plan, served: dict[str, Served], head: str, body: str = "") -> dict[str, Rounds]:
    """Each round asks one after the other, so that what disturbs the machine disturbs all."""
    found: dict[str, Rounds] = {name: [] for name in served}
    with Remote("tests.bench.load") as load:
        for number in range(plan.rounds + 1):
            for name, one in served.items():
                asked = {"port": one.port, "head": head, "body": body, "key": uuid4().hex}
                asked |= {"connections": plan.connections}
                seconds = plan.seconds if number else plan.seconds / 4
                told = _with_cpu(one, lambda a=asked, s=seconds: load.ask("run", **a, seconds=s))
                assert set(told["statuses"]) == {"202" if body else "200"}, told["statuses"]
                if number:  # the first one warms up
                    found[name].append(told)
    return found


def _with_cpu(served: Served, run: Any) -> dict[str, Any]:
    """Milliseconds of CPU for a request: what counts when the core is the limit, load or not."""
    process = psutil.Process(served.child.pid)
    before = sum(process.cpu_times()[:2])
    told: dict[str, Any] = run()
    spent = max(sum(process.cpu_times()[:2]) - before, TICK)
    return {**told, "cpu": 1000 * spent / sum(told["statuses"].values())}


def _described(name: str, says: str, rounds: Rounds) -> Iterator[Figure]:
    yield Figure(f"{name}-rate", says, _all(rounds, "rate"), "req/s")
    yield Figure(f"{name}-p50", f"{says}, p50", _all(rounds, "p50"), "ms")
    yield Figure(f"{name}-p99", f"{says}, p99", _all(rounds, "p99"), "ms")
    yield Figure(f"{name}-cpu", f"{says}, CPU a request", _all(rounds, "cpu"), "ms")


def _compared(
    name: str,
    says: str,
    ours: Rounds,
    theirs: Rounds,
    least: float | None,
    slowest: float | None,
) -> Iterator[Figure]:
    rates, tails = ((_all(ours, key), _all(theirs, key)) for key in ("rate", "p99"))
    yield Figure(f"{name}-ratio", f"{says} / bare, req/s", ratio(*rates), at_least=least)
    yield Figure(f"{name}-p99-ratio", f"{says} / bare, p99", ratio(*tails), at_most=slowest)
    cpu = ratio(_all(theirs, "cpu"), _all(ours, "cpu"))
    yield Figure(f"{name}-cpu-ratio", f"bare / {says}, CPU a request", cpu)


def _all(rounds: Rounds, key: str) -> list[float]:
    return [told[key] for told in rounds]


def _submitted(served: Served, key: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    url = f"{served.url}/tasks"
    return httpx.post(url, content=BODY, headers=headers, trust_env=False).raise_for_status()


def _honours_keys(served: Served) -> None:
    key = uuid4().hex
    first, again = _submitted(served, key), _submitted(served, key)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
