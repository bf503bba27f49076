"""One statement for all who ask at the same moment: group commit, and reads that go together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from asyncpg import PostgresError  # type: ignore[import-untyped]

from demo.store import submitting
from demo.store.pool import AWAY, Pool, sqlstate
from demo.store.reads import SHOWN
from demo.store.records import Record
from demo.store.submitting import SUBMIT, Quota, Submitted, Wanted

Q = TypeVar("Q")
A = TypeVar("A")
MOST = 64  # questions a statement
LONG = 0.05  # seconds: a statement that waits, for a lock perhaps, is overtaken


@dataclass
class Line(Generic[Q, A]):
    """Who waits, and for which statement."""

    waiting: list[tuple[Q, asyncio.Future[A]]] = field(default_factory=list)
    under_way: asyncio.Task[None] | None = None


# --8<-- [start:batcher]
class Batcher(Generic[Q, A]):
    """Asks one function for all who wait, tenant by tenant; nobody waits for company.

    A question goes at the end of the loop's turn that brought it. Only while an earlier statement
    of its tenant is under way does it stay, and then it goes with all that came meanwhile.
    """

    def __init__(self, run: Callable[[str, list[Q]], Awaitable[list[A]]]) -> None:
        self._run = run
        self._lines: dict[str, Line[Q, A]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, tenant: str, question: Q) -> A:
        """The answer, or the error that this question brought; raises what the function raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        line = self._lines.setdefault(tenant, Line())
        line.waiting.append((question, answer))
        if len(line.waiting) == 1:
            loop.call_soon(self._depart, tenant)
        return await answer

    def _depart(self, tenant: str) -> None:
        line = self._lines.get(tenant)
        if line is None or line.under_way:
            return
        if not line.waiting:
            del self._lines[tenant]
            return
        batch, line.waiting = line.waiting[:MOST], line.waiting[MOST:]
        task = line.under_way = asyncio.create_task(self._go(tenant, batch))
        self._tasks.add(task)
        overtake = asyncio.get_running_loop().call_later(LONG, self._free, tenant, task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: overtake.cancel())
        task.add_done_callback(lambda done: self._free(tenant, done))

    def _free(self, tenant: str, task: asyncio.Task[None]) -> None:
        line = self._lines.get(tenant)
        if line and line.under_way is task:
            line.under_way = None
            self._depart(tenant)

    async def _go(self, tenant: str, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._run(tenant, [question for question, _ in batch])
        except Exception as error:
            if (
                len(batch) > 1
                and isinstance(error, PostgresError)
                and sqlstate(error)[:2] not in AWAY
            ):
                # it undid all for the sake of one: each for itself
                await asyncio.gather(*(self._go(tenant, [one]) for one in batch))
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_, answer), told in zip(batch, answers, strict=True):
                if not answer.done():
                    answer.set_result(told)

    # --8<-- [end:batcher]


class Batches:
    """The two operations that most requests are."""

    def __init__(self, pool: Pool, quota: Quota) -> None:
        self._pool = pool
        self.quota = quota
        self._submits: Batcher[Wanted, Submitted | None] = Batcher(self._submit)
        self._reads: Batcher[UUID, Record | None] = Batcher(self._read)

    async def submit(self, tenant: str, new: Wanted) -> Submitted | None:
        """Insert a task, as `submitting.insert` does. None: an earlier request had the key."""
        return await self._submits.ask(tenant, new)

    async def find(self, tenant: str, id: UUID) -> Record | None:
        """A task of a tenant, without its `state`."""
        return await self._reads.ask(tenant, id)

    async def _submit(self, tenant: str, wanted: list[Wanted]) -> list[Submitted | None]:
        asked = submitting.parameters(wanted, self.quota)
        found = await self._pool.rows(SUBMIT, tenant=tenant, **asked)
        made = {str(row["id"]): submitting.made_by(row) for row in found}
        return [made.get(new.id) for new in wanted]

    async def _read(self, tenant: str, ids: list[UUID]) -> list[Record | None]:
        found = await self._pool.rows(SHOWN, tenant=tenant, ids=list(set(ids)))
        records = {row["id"]: Record.of(row) for row in found}
        return [records.get(id) for id in ids]
