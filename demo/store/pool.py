"""The API's connections for statements that are a transaction of their own."""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from pydantic_core import from_json, to_json
from sqlalchemy import TextualSelect

from demo.store.engines import LIMITS
from demo.store.statements import numbered

CONNECT = 3.0
ANSWER = 8.0  # above the server's own limits: only a server that is gone takes longer
PATIENCE = 5.0
AWAY = {"08", "53", "57", "58"}  # classes of SQLSTATE: connection, resources, operator


class Exhausted(Exception):
    """All connections were in use for too long."""


# --8<-- [start:pool]
class Pool:
    """Lends a connection for one statement.

    asyncpg's own pool spends more time on lending than the statement takes: a task, a reset and
    a proxy each. A statement that ends in its own COMMIT leaves nothing to reset.
    """

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._room = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []

    async def rows(self, sql: TextualSelect, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement, and return its rows after its COMMIT.

        Raises:
            Exhausted: no connection became free.
            TimeoutError: the server doesn't answer.
        """
        text, names = numbered(sql)
        await self._wait_for_room()
        try:
            connection = await self._borrow()
            return await self._asked(connection, text, [parameters[name] for name in names])
        finally:
            self._room.release()

    async def _asked(
        self, connection: asyncpg.Connection, text: str, values: list[Any]
    ) -> list[dict[str, Any]]:
        try:
            found = await connection.fetch(text, *values)
        except asyncpg.PostgresError:
            self._idle.append(connection)  # it answered
            raise
        except BaseException:
            connection.terminate()  # who knows what it waits for
            raise
        self._idle.append(connection)
        return [dict(row) for row in found]

    # --8<-- [end:pool]

    async def _wait_for_room(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._room.acquire()
        except TimeoutError:
            raise Exhausted from None

    async def _borrow(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await _opened(self._url)

    async def close(self) -> None:
        """Say goodbye on all connections, and hang up where nobody answers."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(one.close(timeout=1) for one in idle), return_exceptions=True)


async def _opened(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        url, timeout=CONNECT, command_timeout=ANSWER, server_settings=LIMITS
    )
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=_encoded, decoder=from_json
        )
    except BaseException:
        connection.terminate()  # nobody else knows of it
        raise
    return connection


def sqlstate(error: Exception) -> str:
    """The code of what went wrong, by either way to the server; "None" when it said nothing."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None))


def _encoded(value: Any) -> str:
    return to_json(value).decode()
