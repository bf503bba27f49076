"""What one API process asks PostgreSQL and Valkey."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from redis import Redis

from demo.hub.listening import SILENCE

from .conftest import Api, Hands, until

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
        yield
        asked, took = self._commands() - before, time.monotonic() - began
        assert asked <= 1 + took / SILENCE, f"{asked} commands in {took:.1f} s"

    def _commands(self) -> int:
        """Over all of its connections."""
        own = {f"127.0.0.1:{one.laddr.port}" for one in self._process.net_connections()}
        with Redis.from_url(self._servers.redis_url, decode_responses=True) as redis:
            listed: Any = redis.client_list()
        return sum(int(told["tot-cmds"]) for told in listed if told["addr"] in own)


def until_no_connection_is_held(hands: Hands) -> None:
    """One that waits with a stream is held for ever; one that answers a request is not."""
    held = (
        "SELECT 1 FROM pg_stat_activity WHERE usename = 'lro_api' AND state <> 'idle' "
        "AND datname = current_database()"
    )
    until(lambda: not hands.rows(held))
