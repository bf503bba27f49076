"""The machine: one core for the process under test, the rest for everything else; descriptors."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from tests.record import circumstances

PARTS = ("uvicorn", "uvloop", "httptools", "asyncpg", "psycopg2-binary", "sse-starlette",
         "websockets")  # fmt: skip
SPARE = 200  # descriptors that a process needs beside its streams


def recorded() -> dict[str, Any]:
    """When, on what and with which versions this run was made."""
    told = circumstances()
    return {**told, "versions": {**told["versions"], **{name: version(name) for name in PARTS}}}


def cores() -> tuple[set[int], set[int]]:
    """The core of the process under test, and those of the rest; empty where none can be set."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


@contextmanager
def started_on(chosen: set[int]) -> Iterator[None]:
    """Programs started in the block run on these cores, with all their threads."""
    if not chosen:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def load() -> float:
    """The load average of the last minute: above two, others share the cores."""
    return round(os.getloadavg()[0], 1)


def raise_descriptors(streams: int) -> None:
    """Let this process and what it starts hold a descriptor for each stream.

    Raises:
        SystemExit: the hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = streams + SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(
            f"{streams} streams need {needed} descriptors a process; the hard limit is {hard}.\n"
            f"Raise it (ulimit -Hn {needed}, LimitNOFILE=, limits.conf) or ask for fewer streams."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
