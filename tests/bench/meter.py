"""What a process asks of Valkey and PostgreSQL, and its CPU."""

import time
from typing import Any

import psutil
from redis import Redis
from sqlalchemy import Engine, make_url, text

from demo.store.engines import engine
from demo.wakeups import connect
from tests.bench.world import World

COMMITS = text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = :name")


class Meter:
    """Counters of the servers and of one process."""

    def __init__(self, world: World, pid: int) -> None:
        self._redis: Redis = connect(world.redis_url)
        self._process = psutil.Process(pid)
        self._name = make_url(world.database.api).database
        # another database, so that the question is not counted
        self._source: Engine = engine(world.servers.postgres.url(), pool_size=1)
        world.exits.callback(self._source.dispose)
        world.exits.callback(self._redis.close)

    def over(self, seconds: float) -> dict[str, float]:
        """Commands and transactions a second, and the share of a core."""
        before, began = self._read(), time.monotonic()
        time.sleep(seconds)
        after, took = self._read(), time.monotonic() - began
        return {name: (after[name] - before[name]) / took for name in after}

    def subscribers(self) -> int:
        """How many connections to Valkey listen to channels."""
        listed: list[dict[str, Any]] = self._redis.client_list()
        return sum(int(told["sub"]) > 0 for told in listed)

    def _read(self) -> dict[str, float]:
        asked: dict[str, Any] = self._redis.info("commandstats")
        with self._source.connect() as connection:
            commits = connection.execute(COMMITS, {"name": self._name}).scalar_one()
        times = self._process.cpu_times()
        return {
            "redis": sum(told["calls"] for name, told in asked.items() if "info" not in name),
            "sql": float(commits),
            "cpu": 100 * (times.user + times.system),
        }
