"""The experiments, and the figures that the guide takes from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import (
    broker_killed,
    child_killed,
    connections,
    consumer_killed,
    outlived,
    prefetched,
    revoked,
    terminated,
    worker_killed,
)
from .bench import Seen


@dataclass(frozen=True)
class Experiment:
    """What is done, and which of the things seen are recorded: name and unit by what was seen."""

    key: str
    done: str
    run: Callable[[], Seen]
    figures: Mapping[str, tuple[str, str]] = field(default_factory=dict)


EXPERIMENTS = (
    Experiment(
        "E1a", "kill -9 of a pool child, default settings", child_killed.by_default,
        {"finishes": ("child-default-finishes", "times")},
    ),
    Experiment(
        "E1b", "the same, late ack", child_killed.acked_late,
        {"finishes": ("child-late-finishes", "times")},
    ),
    Experiment(
        "E1c", "the same, late ack and reject on worker lost", child_killed.rejected,
        {"starts": ("child-reject-starts", "starts")},
    ),
    Experiment(
        "E1d", "a task that kills its process, with both flags", child_killed.poison,
        {"starts": ("poison-starts", "starts"), "window": ("poison-window", "s")},
    ),
    Experiment(
        "E2", "kill -9 of a worker, timeout 5 s, sweep each second", worker_killed.swept_often,
        {"back_after": ("sweep-set", "s")},
    ),
    Experiment(
        "E2s", "the same, kombu's own sweep", worker_killed.swept_by_default,
        {"back_after": ("sweep-default", "s")},
    ),
    Experiment(
        "E3", "no fault, task 6 s, timeout 2 s, two workers", outlived.outlived,
        {"starts": ("starts-without-fault", "starts"), "window": ("starts-window", "s"),
         "at_once": ("starts-at-once", "of them at once"),
         "finishes": ("finishes-without-fault", "times")},
    ),
    Experiment(
        "E4", "kill -9 of Valkey without persistence, 1 running, 4 queued",
        broker_killed.forgotten, {"lost": ("broker-lost", "of five tasks")},
    ),
    Experiment(
        "E5", "a consumer killed while it takes a message, all flags on",
        consumer_killed.consumer_killed, {"lost": ("lost-jobs", "of three tasks")},
    ),
    Experiment(
        "E6", "Valkey down for 7 s across the end of a task", broker_killed.away,
        {"finishes": ("broker-away-finishes", "times")},
    ),
    Experiment("E7a", "revoked, then the worker killed and restarted", revoked.forgotten,
               {"finishes": ("revoked-ran", "times")}),
    Experiment("E7b", "revoked while no worker was up", revoked.unheard,
               {"finishes": ("revoked-unheard-ran", "times")}),
    Experiment(
        "E8a", "SIGTERM, SIGKILL after 5 s, timeout 15 s", terminated.warm,
        {"back_after": ("warm-back", "s")},
    ),
    Experiment(
        "E8b", "the same, SIGTERM remapped, soft shutdown of 2 s", terminated.soft,
        {"back_after": ("soft-back", "s"), "ended_after": ("soft-ended", "s"),
         "told_after": ("soft-shutdown-late", "s")},
    ),
    Experiment(
        "E9", "early ack, prefetch 4, four tasks of 4 s, timeout 5 s", prefetched.prefetched,
        {"twice": ("prefetch-twice", "of four tasks")},
    ),
    Experiment(
        "E10", "connections of a stock worker with results", connections.connections,
        {"one_slot": ("worker-connections", "connections"),
         "four_slots": ("worker-connections-4", "connections")},
    ),
)  # fmt: skip
