"""The autoscaler's rule on the real stack, beside the simulation: python -m tests.bench.replay.

The same arrivals and durations; workers of one slot are started and told to go on this machine.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from sqlalchemy import Engine, text

from demo.local.children import Child
from demo.store import submitting
from demo.store.engines import begin, engine
from demo.wakeups import Publisher
from tests.bench import machine, world
from tests.stack import ROOT, eventually

sys.path.insert(0, str(ROOT / "snippets" / "sizing"))

from autoscaler import Autoscaler, Rules
from scenario import Cluster, Core, Durations, Scenario
from simulation import Simulation

GUIDE = ROOT / "site_src" / "_data" / "figures" / "replay.json"
OUTPUT = ROOT / "build" / "replay.json"
STEP = 0.5
DAY = Scenario(
    title="A day in five minutes",
    hours=300 / 3600,
    arrivals=((0, 360), (60, 2400), (150, 360)),
    pods=2,
    durations=Durations(mean=10),
    cluster=Cluster(pods_per_node=100, node_start=0, grace=20),
    core=Core(step=STEP),
    scaling=Rules(floor=2, ceiling=7, polling=4, sync=4, window=40, down_period=12),
)
WAITS = text("SELECT extract(epoch FROM started - created) FROM tasks")
DEMAND = text("SELECT count(*) FROM tasks WHERE status IN ('queued', 'running', 'canceling')")


@dataclass
class Fleet:
    """Worker processes, one pod each."""

    place: world.World
    pods: list[Child] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    number: int = 0

    def start(self) -> None:
        """One more, in the background; it counts at once, as a pod that is not ready."""
        self.number += 1
        name = f"pod{self.number}"
        child = Child(name, self.place.servers.valkey.data)
        self.pods.append(child)
        threading.Thread(target=self._start, args=(child, name), daemon=True).start()

    def _start(self, child: Child, name: str) -> None:
        began = time.monotonic()
        role = {"DEMO_DATABASE_URL": self.place.database.worker, "DEMO_FLUSH": "0.25"}
        node = ("-n", f"{name}@replay", "-Q", "rehearsal", "-c", "1", "-l", "INFO")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        started = self.place.start(
            name, "celery", "-A", "demo.broker", "worker", *node, *quiet, environment=role
        )
        child.__dict__.update(started.__dict__)
        world.until_it_says(started, " ready.")
        self.starts.append(time.monotonic() - began)

    def stop(self, chance: random.Random) -> None:
        """Any one, as the HPA does."""
        self.pods.pop(chance.randrange(len(self.pods))).ask()


def scaled(fleet: Fleet, source: Engine, over: threading.Event) -> None:
    """The simulation's own rule, asked about real rows, obeyed by real processes."""
    rule, chance = Autoscaler(DAY.scaling or Rules()), random.Random(1)
    began = time.monotonic()
    while not over.wait(rule.rules.sync):
        with begin(source) as connection:
            demand = connection.execute(DEMAND).scalar_one()
        wanted = rule.wanted(time.monotonic() - began, len(fleet.pods), demand)
        for _ in range(wanted - len(fleet.pods)):
            fleet.start()
        for _ in range(len(fleet.pods) - wanted):
            fleet.stop(chance)


def real(place: world.World, trace: list[tuple[float, float]]) -> tuple[list[float], float]:
    """Waits of all tasks on the stack, and how long a worker took to start."""
    role = {"DEMO_DATABASE_URL": place.database.worker}
    place.start("dispatcher", "demo", "dispatcher", environment=role, measured=False)
    source, fleet, over = engine(place.database.owner), Fleet(place), threading.Event()
    place.exits.callback(source.dispose)
    for _ in range(DAY.pods):
        fleet.start()
    eventually(lambda: len(fleet.starts) == DAY.pods, within=60)
    scaler = threading.Thread(target=scaled, args=(fleet, source, over))
    scaler.start()
    _submitted(place, source, trace)
    eventually(lambda: _demand(source) == 0, within=240, what="tasks that do not end")
    over.set()
    scaler.join()
    with begin(source) as connection:
        waits = [float(wait) for wait in connection.execute(WAITS).scalars()]
    return sorted(waits), fmean(fleet.starts[DAY.pods :] or fleet.starts)


def _submitted(place: world.World, source: Engine, trace: list[tuple[float, float]]) -> None:
    publisher, began = Publisher(place.redis_url, world.KEY.encode()), time.monotonic()
    for at, takes in trace:
        time.sleep(max(0.0, began + at - time.monotonic()))
        steps = {"steps": max(1, round(takes / STEP)), "step_seconds": STEP}
        with begin(source) as connection:
            submitting.submit(connection, "local", kind="rehearsal", input=steps)
        publisher.nudge()


def _demand(source: Engine) -> int:
    with begin(source) as connection:
        return int(connection.execute(DEMAND).scalar_one())


def figures(waits: list[float], start: float, trace: list[tuple[float, float]]) -> dict[str, Any]:
    """Both sides of the comparison."""
    cluster = Cluster(pods_per_node=100, node_start=0, grace=20, pod_start=start)
    rounded = [(at, max(1, round(takes / STEP)) * STEP) for at, takes in trace]
    outcome = Simulation(DAY.but(cluster=cluster), 1, rounded).run()
    told = {
        "tasks": len(waits),
        "pod-start": start,
        "mean-real": fmean(waits),
        "mean-simulated": outcome.mean_wait,
        "p95-real": waits[int(0.95 * len(waits))],
        "p95-simulated": outcome.wait(0.95),
    }
    units = {name: {} if name == "tasks" else {"unit": "s"} for name in told}
    return {name: {"value": round(value, 2), **units[name]} for name, value in told.items()}


def traces(seed: int) -> list[tuple[float, float]]:
    print(f"seed {seed}")
    return list(DAY.draw(random.Random(seed)))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seed", type=int, default=7)
    ask.add_argument("--record", action="store_true", help="for the guide, too")
    given = ask.parse_args()
    trace = traces(given.seed)
    with world.running() as servers, world.fresh(servers) as place:
        waits, start = real(place, trace)
    found = figures(waits, start, trace)
    for line in _lines(found):
        print(line)
    written = json.dumps({"recorded": machine.recorded(), "figures": found}, indent=2) + "\n"
    for path in (OUTPUT, *([GUIDE] if given.record else [])):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(written, "utf-8")


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for name, figure in found.items():
        yield f"{name:<16} {figure['value']:>8} {figure.get('unit', '')}"


if __name__ == "__main__":
    main()
