"""What one API process asks PostgreSQL and Valkey."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from redis import Redis
from sqlalchemy import text

from demo.store.engines import engine

from .conftest import Api, Hands

SILENCE = 15.0  # seconds: so seldom the hub asks whether the broker lives
# the pool asks whether its connection lives, the driver what an array is
OF_CONNECTIONS = ("BEGIN;", "ROLLBACK;", "__: ", "typeinfo_tree(")


class Meter:
    """Counts, beside whatever other processes ask."""

    def __init__(self, servers: Any, api: Api) -> None:
        self._servers, self._process = servers, psutil.Process(api.process.pid)

    def statements(self) -> list[str]:
        """Of a database whose statements are logged, in complete lines."""
        log = self._servers.postgres.log.read_text(errors="replace")
        lines = log.rpartition("\n")[0].splitlines()
        return [line for line in lines if "LOG:  execute" in line or "LOG:  statement:" in line]

    @contextmanager
    def no_commands(self) -> Iterator[None]:
        """Nothing is asked of Valkey in the block, but whether it lives: once in a silence."""
        before, began = self._commands(), time.monotonic()
        assert before, "it subscribed to something"
        yield
        asked, took = self._commands() - before, time.monotonic() - began
        assert asked <= 1 + took / SILENCE, f"{asked} commands in {took:.1f} s"

    def _commands(self) -> int:
        """Over all of its connections."""
        broker = self._servers.valkey.port
        lines = [one for one in self._process.net_connections() if one.raddr]
        own = {f"127.0.0.1:{one.laddr.port}" for one in lines if one.raddr.port == broker}
        with Redis.from_url(self._servers.redis_url, decode_responses=True) as redis:
            listed: Any = redis.client_list()
        return sum(int(told["tot-cmds"]) for told in listed if told["addr"] in own)


HELD = text(
    "SELECT pid, state_change FROM pg_stat_activity "
    "WHERE usename = 'lro_api' AND state <> 'idle' AND datname = :name"
)


def no_connection_is_held(servers: Any, hands: Hands) -> None:
    """One that waits with a stream stays as it is, for the 5 s that the server allows."""
    admin = engine(servers.postgres.url())  # others are not shown the state of a session
    name = {"name": hands.source.url.database}
    try:
        with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            same = set(connection.execute(HELD, name))
            for _ in range(50):
                if not same:
                    return
                time.sleep(0.02)
                same &= set(connection.execute(HELD, name))  # who answers is soon another
    finally:
        admin.dispose()
    raise AssertionError(f"{len(same)} connections wait")
