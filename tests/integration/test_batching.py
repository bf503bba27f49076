"""Requests that come together go to the database together, and each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import TextualSelect

from demo.store.batching import Batcher, Batches
from demo.store.pool import Pool
from demo.store.submitting import Quota, Submitted, Wanted
from tests.conftest import Database

Run = Callable[[Batches], Awaitable[None]]


class Counting(Pool):
    """Counts the statements that it runs."""

    ran = 0

    async def rows(self, sql: TextualSelect, **parameters: Any) -> list[dict[str, Any]]:
        self.ran += 1
        return await super().rows(sql, **parameters)


@asynccontextmanager
async def batches(database: Database, **quota: int) -> AsyncIterator[tuple[Batches, Counting]]:
    pool = Counting(database.api, 8)
    yield Batches(pool, Quota(**quota)), pool
    await pool.close()


def wanted(key: str | None = None, **more: Any) -> Wanted:
    return Wanted("rehearsal", {"steps": 1}, key=key, fingerprint=key or "", **more)


def made(found: Submitted | BaseException | None) -> Submitted:
    assert isinstance(found, Submitted), found
    return found


@pytest.mark.claim("core.group-commit")
def test_who_comes_together_shares_one_commit(database: Database) -> None:
    async def tried() -> None:
        async with batches(database) as (door, pool):
            told = await asyncio.gather(*(door.submit("a", wanted(f"k{n}")) for n in range(40)))
            assert pool.ran == 1
            ids = [made(one).task.id for one in told]
            assert len(set(ids)) == 40
            shown = await asyncio.gather(*(door.find("a", id) for id in ids))
            assert pool.ran == 2
            assert [task and task.id for task in shown] == ids

    asyncio.run(tried())


def test_an_earlier_key_is_not_inserted_again_nor_are_its_companions_lost(
    database: Database,
) -> None:
    async def tried() -> None:
        async with batches(database) as (door, _):
            assert await door.submit("a", wanted("old"))
            told = await asyncio.gather(
                *(door.submit("a", wanted(key)) for key in ("new", "old", None))
            )
            assert [one is None for one in told] == [False, True, False]

    asyncio.run(tried())


@pytest.mark.claim("core.group-commit")
def test_what_one_did_wrong_costs_the_others_nothing(database: Database) -> None:
    async def tried() -> None:
        async with batches(database) as (door, _):
            bad = Wanted("rehearsal", {"text": "\0"})  # JSON may say that, PostgreSQL may not
            asked = [wanted(), bad, wanted("twice"), wanted("twice"), wanted()]
            told = await asyncio.gather(
                *(door.submit("a", one) for one in asked), return_exceptions=True
            )
            assert isinstance(told[1], asyncpg.UntranslatableCharacterError)
            assert [told[2], told[3]].count(None) == 1
            assert made(told[0]).task.id != made(told[4]).task.id

    asyncio.run(tried())


def test_a_quota_is_exact_within_a_batch(database: Database) -> None:
    async def tried() -> None:
        for limit in ({"most_open": 7}, {"a_minute": 7}):
            async with batches(database, **limit) as (door, _):
                tenant = next(iter(limit))
                told = await asyncio.gather(
                    *(door.submit(tenant, wanted()) for _ in range(20)), return_exceptions=True
                )
                assert sum(isinstance(one, Submitted) for one in told) == 7
                refused = {str(getattr(one, "sqlstate", "")) for one in told} - {""}
                assert refused <= {"LR010", "LR011"}

    asyncio.run(tried())


def test_tenants_never_share_a_statement(database: Database) -> None:
    async def tried() -> None:
        async with batches(database) as (door, pool):
            mine, theirs = await asyncio.gather(
                door.submit("a", wanted()), door.submit("b", wanted())
            )
            assert pool.ran == 2
            id: UUID = made(mine).task.id
            seen = await asyncio.gather(*(door.find(who, id) for who in ("a", "b")))
            assert [task is not None for task in seen] == [True, False]
            assert made(theirs).task.tenant == "b"

    asyncio.run(tried())


def test_while_one_is_under_way_the_next_one_gathers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.store.batching.LONG", 60)  # it is not overtaken

    async def tried() -> None:
        seen: list[list[int]] = []
        go = asyncio.Event()

        async def doubled(_: str, asked: list[int]) -> list[int]:
            seen.append(asked)
            await go.wait()
            return [2 * one for one in asked]

        batcher = Batcher(doubled)
        first = asyncio.create_task(batcher.ask("a", 1))
        while not seen:
            await asyncio.sleep(0)
        others = [asyncio.create_task(batcher.ask("a", n)) for n in (2, 3, 4)]
        elsewhere = asyncio.create_task(batcher.ask("b", 5))
        while len(seen) < 2:
            await asyncio.sleep(0)
        others[1].cancel()
        go.set()
        assert await first == 2
        told = await asyncio.gather(*others, return_exceptions=True)
        assert [told[0], type(told[1]), told[2]] == [4, asyncio.CancelledError, 8]
        assert await elsewhere == 10
        assert seen == [[1], [5], [2, 3, 4]]

    asyncio.run(tried())


def test_one_that_waits_for_a_lock_is_overtaken() -> None:
    async def tried() -> None:
        waits, stuck = asyncio.Event(), asyncio.Event()

        async def answered(_: str, asked: list[str]) -> list[str]:
            if "stuck" in asked:
                waits.set()
                await stuck.wait()
            return asked

        batcher = Batcher(answered)
        first = asyncio.create_task(batcher.ask("a", "stuck"))
        await waits.wait()
        assert await batcher.ask("a", "next") == "next"
        assert await batcher.ask("a", "last") == "last"
        stuck.set()
        assert await first == "stuck"

    asyncio.run(tried())
