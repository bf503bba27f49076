"""Connections: psycopg2 for processes with threads, asyncpg for the API."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# --8<-- [start:limits]
LIMITS = {
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "4s",
    # a client frozen inside a transaction would hold its row lock for ever
    "idle_in_transaction_session_timeout": "5s",
    "tcp_user_timeout": "10s",
}
# --8<-- [end:limits]


def engine(url: str, *, pool_size: int = 2, prepares: bool = True) -> Engine:
    """A psycopg2 engine; made after the fork, never shared across it.

    Without `prepares` it works through a pooler that gives each transaction another connection.
    """
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=5,
        execution_options={"prepares": prepares},
        connect_args={
            "connect_timeout": 3,
            "options": " ".join(f"-c {name}={value}" for name, value in LIMITS.items()),
        },
    )


def async_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An asyncpg engine."""
    return create_async_engine(
        "postgresql+asyncpg://",
        # the driver reads the URL itself: it knows `sslmode`, which SQLAlchemy would hand it
        async_creator=partial(asyncpg.connect, url, timeout=3, server_settings=LIMITS),
        pool_size=pool_size,
        max_overflow=0,  # or busy requests open and close a connection each
        pool_timeout=5,
        pool_pre_ping=True,
    )


@contextmanager
def begin(source: Engine) -> Iterator[Connection]:
    """A transaction of a worker or dispatcher, which see all tenants."""
    with source.begin() as connection:
        yield connection


@contextmanager
def once(source: Engine) -> Iterator[Connection]:
    """For one statement that is a transaction of its own: no BEGIN and COMMIT to wait for."""
    with source.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.autocommit = True  # SQLAlchemy's isolation level would ask the server, twice
        try:
            yield connection
        finally:
            if not driver.closed:
                driver.autocommit = False


@asynccontextmanager
async def begin_for(source: AsyncEngine, tenant: str) -> AsyncIterator[AsyncConnection]:
    """A transaction in which row-level security shows one tenant's rows only."""
    async with source.begin() as connection:
        await connection.execute(SET_TENANT, {"tenant": tenant})
        yield connection


@asynccontextmanager
async def one_statement(source: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection without a transaction: no BEGIN and no COMMIT beside the one statement."""
    async with source.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")


SET_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")
