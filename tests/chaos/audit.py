"""What is true in the end: read from PostgreSQL and Valkey themselves, past the API."""

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import psutil
from sqlalchemy import Connection, text

from demo.broker import PREFIX, QUEUES
from demo.store.engines import begin, engine
from demo.wakeups import connect
from tests.stack import Stack

Json = dict[str, Any]
TASKS = text("SELECT * FROM tasks")
EVENTS = text("""
    SELECT task_id, event_json(seq, type, attempt, at, data) AS event
    FROM events ORDER BY task_id, seq""")
EFFECTS = text("SELECT task_id, key, attempt, result FROM effects")
KEYS = text("SELECT key, task_id FROM idempotency_keys")
FORGOTTEN = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 s'
      AND pid <> pg_backend_pid()""")
WAITING = text("""
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND waitstart < clock_timestamp() - interval '1 s'""")


@dataclass(frozen=True)
class Truth:
    """All rows: tasks by id, their events and effects, and the id of each key."""

    tasks: dict[str, Json]
    events: dict[str, list[Json]]
    effects: dict[str, dict[str, Json]]
    keys: dict[str, str]

    @classmethod
    def of(cls, stack: Stack) -> "Truth":
        source = engine(stack.postgres.url(), pool_size=1)
        with begin(source) as connection:
            tasks = {row["id"]: row for row in _rows(connection, TASKS, "id")}
            events: dict[str, list[Json]] = defaultdict(list)
            for row in _rows(connection, EVENTS, "task_id"):
                events[row["task_id"]].append(row["event"])
            effects: dict[str, dict[str, Json]] = defaultdict(dict)
            for row in _rows(connection, EFFECTS, "task_id"):
                effects[row["task_id"]][row["key"]] = row
            keys = {row["key"]: row["task_id"] for row in _rows(connection, KEYS, "task_id")}
        source.dispose()
        return cls(tasks, events, effects, keys)


def _rows(connection: Connection, sql: Any, id: str) -> list[Json]:
    return [{**row, id: str(row[id])} for row in connection.execute(sql).mappings()]


def hygiene(stack: Stack, *, patience: float = 60) -> list[str]:
    """I16: what is left over that should not be, once it has had time to go."""
    until = time.monotonic() + patience
    while (found := _left(stack)) and time.monotonic() < until:
        time.sleep(0.2)
    return [f"I16: {what}" for what in found]


def _left(stack: Stack) -> list[str]:
    source = engine(stack.postgres.url(), pool_size=1)
    with begin(source) as connection:
        idle = connection.execute(FORGOTTEN).scalar_one()
        locks = connection.execute(WAITING).scalar_one()
    source.dispose()
    with connect(stack.valkey.url) as valkey:
        hints = {queue: valkey.llen(f"{PREFIX}{queue}") for queue in QUEUES}
        unacked = valkey.hlen(f"{PREFIX}unacked")
    parts = [part for part in ("api", "dispatcher", "worker") if not _alive(stack, part)]
    left = {
        f"{idle} sessions idle in a transaction": idle,
        f"{locks} locks are waited for": locks,
        f"hints wait: {hints}": any(hints.values()),
        f"{unacked} hints are not acknowledged": unacked,
        f"not running: {parts}": parts,
    }
    return [what for what, there in left.items() if there]


def _alive(stack: Stack, part: str) -> bool:
    try:
        process = psutil.Process(stack.pid(part))
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED}
    except (OSError, ValueError, psutil.Error):
        return False
