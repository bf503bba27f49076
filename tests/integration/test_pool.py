"""The API's pool of connections: what it lends works, whatever came before."""

import asyncio
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


def test_who_waits_too_long_is_told_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.store.pool.PATIENCE", 0.1)

    async def tried() -> None:
        pool = Pool(database.api, 1)
        slow = asyncio.create_task(pool.rows(text("SELECT pg_sleep(1)::text AS n").columns()))
        await asyncio.sleep(0)
        await fails(pool, Exhausted, n=1)
        await slow
        assert await pool.rows(ONE, n=4) == [{"n": 4}]
        await pool.close()

    asyncio.run(tried())
