"""One run: load and nemesis together, then peace, then the reckoning."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx

from tests.chaos.audit import Truth, hygiene
from tests.chaos.invariants import invented, violations
from tests.chaos.nemesis import FAULTS, Nemesis
from tests.chaos.stories import Client
from tests.stack import ROOT, Stack
from tests.system.follower import Follower

LOGS = ROOT / "build" / "chaos-logs"


@dataclass(frozen=True)
class Plan:
    """What is done to the stack."""

    seconds: float = 60
    seed: int = 1
    faults: tuple[str, ...] = tuple(FAULTS)
    rate: float = 1.0
    step_seconds: tuple[float, float] = (0.1, 0.6)
    pause: tuple[float, float] = (1, 4)
    lease: float = 3
    drain: float = 90
    settled: float = 15  # a cancel takes no longer in peace
    least: int = 0  # faults, however long they take

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the stack: everything that waits, waits shortly."""
        return {"DEMO_LEASE": str(self.lease), "DEMO_CONCURRENCY": "4"}


@dataclass
class Outcome:
    """What happened, how long all ends took in peace, and what was wrong about it."""

    plan: Plan
    faults: list[tuple[float, str]]
    clients: list[Client]
    truth: Truth
    hygiene: list[str]
    drained: float
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def violations(self) -> int:
        """Tasks with anything wrong, and what is wrong with the stack as a whole."""
        return len(self.wrong) + len(self.hygiene)

    @property
    def counts(self) -> dict[str, int]:
        """How much was checked."""
        rows = [self.truth.tasks[c.id] for c in self.accepted if c.id in self.truth.tasks]
        followers = [client.follower for client in self.clients if client.follower]
        return {
            "tasks": len(self.accepted),
            "faults": len(self.faults),
            "events": sum(map(len, self.truth.events.values())),
            "effects": sum(map(len, self.truth.effects.values())),
            "frames": sum(len(follower.frames) for follower in followers),
            "reconnects": sum(max(follower.connections - 1, 0) for follower in followers),
            "posts-repeated": sum(c.retries + len(c.ids) - 1 for c in self.accepted),
            "reads": sum(len(client.seen) for client in self.clients),
            "cancels": sum(client.canceled is not None for client in self.clients),
            "retried": sum(row["attempt"] > 1 for row in rows),
            "violations": self.violations,
        }

    @property
    def accepted(self) -> list[Client]:
        """Clients that were answered by a 202."""
        return [client for client in self.clients if client.ids]


def run(plan: Plan, tree: Path = ROOT) -> Outcome:
    """Start the stack from the sources in `tree`, break it as planned, check everything."""
    with (
        Stack.running("--no-guide", tree=tree, **plan.environment) as stack,
        httpx.Client(base_url=stack.url, timeout=10, trust_env=False) as http,
    ):
        clients: list[Client] = []
        over = threading.Event()
        nemesis = Nemesis(
            stack,
            Random(f"{plan.seed} nemesis"),
            plan.faults,
            pause=plan.pause,
            lease=plan.lease,
            cut=lambda: _cut(clients),
        )
        nemesis.start()
        _load(plan, http, clients, over, lambda: nemesis.has_done(plan.least))
        nemesis.heal()
        healed = datetime.now(UTC)
        _drain(plan, clients)
        drained = (datetime.now(UTC) - healed).total_seconds()
        over.set()
        left = hygiene(stack)
        for client in clients:
            client.join()
        outcome = Outcome(plan, nemesis.log, clients, Truth.of(stack), left, drained)
        outcome.wrong = _wrong(stack, outcome, healed)
        if outcome.violations and tree == ROOT:
            shutil.copytree(stack.data / "logs", LOGS / str(plan.seed), dirs_exist_ok=True)
        return outcome


def _load(
    plan: Plan,
    http: httpx.Client,
    clients: list[Client],
    over: threading.Event,
    enough: Callable[[], bool],
) -> None:
    rng = Random(f"{plan.seed} load")
    until = time.monotonic() + plan.seconds
    while time.monotonic() < until or not enough():
        own = Random(f"{plan.seed} {len(clients)}")
        client = Client(len(clients), http, own, over, plan.step_seconds)
        client.start()
        clients.append(client)
        time.sleep(rng.uniform(0.5, 1.5) / plan.rate)


def _cut(clients: list[Client]) -> None:
    for client in list(clients):
        if client.follower and not client.follower.ended:
            client.follower.cut()


def _drain(plan: Plan, clients: list[Client]) -> None:
    """Wait for all ends that were promised, and for the streams that tell them."""
    until = time.monotonic() + plan.drain
    for client in clients:
        client.join(max(0, until - time.monotonic()))
    for client in clients:
        if client.follower and client.ended:
            client.follower.join(max(5, until - time.monotonic()))


def _wrong(stack: Stack, outcome: Outcome, healed: datetime) -> dict[str, list[str]]:
    ended = [client for client in outcome.accepted if client.ended]
    with ThreadPoolExecutor(4) as pool:
        again = dict(zip(ended, pool.map(lambda c: _reread(stack, c.id), ended), strict=True))
    told = {
        client.id: violations(
            client, outcome.truth, again.get(client), healed, outcome.plan.settled
        )
        for client in outcome.clients
    }
    told |= invented(outcome.clients, outcome.truth)
    return {id: found for id, found in told.items() if found}


def _reread(stack: Stack, id: str) -> Follower:
    follower = Follower(f"{stack.url}/tasks/{id}/stream", seconds=120)
    follower.run()
    return follower
