"""The API's pool of connections: what it lends works, whatever came before."""

import asyncio
import os
import signal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from demo.store.pool import Exhausted, Pool
from tests.conftest import Database

ONE = text("SELECT CAST(:n AS int) AS n").columns()


async def fails(pool: Pool, error: type[Exception], sql: Any = ONE, **parameters: Any) -> None:
    with pytest.raises(error):
        await pool.rows(sql, **parameters)


@pytest.mark.claim("core.pool-recovers")
def test_a_server_that_refuses_connections_leaves_nothing_behind(database: Database) -> None:
    async def tried() -> None:
        pool = Pool(f"{database.api}_that_is_not_there", 2)
        for _ in range(5):
            await fails(pool, asyncpg.InvalidCatalogNameError, n=1)
        pool._url = database.api
        assert await pool.rows(ONE, n=1) == [{"n": 1}]
        await pool.close()

    asyncio.run(tried())


def test_a_statement_that_fails_costs_no_connection(database: Database) -> None:
    async def tried() -> None:
        pool = Pool(database.api, 1)
        wrong = text("SELECT 1 / CAST(:n AS int) AS n").columns()
        for _ in range(3):
            await fails(pool, asyncpg.DivisionByZeroError, wrong, n=0)
        assert await pool.rows(ONE, n=2) == [{"n": 2}]
        await pool.close()

    asyncio.run(tried())


def test_a_connection_whose_server_ended_is_not_lent_again(database: Database) -> None:
    async def tried() -> None:
        pool = Pool(database.api, 1)
        ends = text("SELECT pg_terminate_backend(pg_backend_pid()) AS n").columns()
        await fails(pool, asyncpg.PostgresError, ends)
        assert await pool.rows(ONE, n=3) == [{"n": 3}]
        await pool.close()

    asyncio.run(tried())


def test_a_server_that_hangs_does_not_spoil_the_end(database: Database) -> None:
    async def tried() -> None:
        pool = Pool(database.api, 1)
        pid = text("SELECT pg_backend_pid() AS n").columns()
        ((_, backend),) = (await pool.rows(pid))[0].items()
        os.kill(backend, signal.SIGSTOP)
        try:
            await asyncio.wait_for(pool.close(), 30)
        finally:
            os.kill(backend, signal.SIGCONT)

    asyncio.run(tried())


def test_who_waits_too_long_is_told_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.store.pool.PATIENCE", 0.1)

    async def tried() -> None:
        pool, other = Pool(database.api, 1), await asyncpg.connect(database.owner)
        await other.execute("SELECT pg_advisory_lock(1)")
        lock = text("SELECT pg_advisory_lock(1)::text AS n").columns()
        slow = asyncio.create_task(pool.rows(lock))
        await asyncio.sleep(0)
        await fails(pool, Exhausted, n=1)
        await other.close()
        await slow
        assert await pool.rows(ONE, n=4) == [{"n": 4}]
        await pool.close()

    asyncio.run(tried())
