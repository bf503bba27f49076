"""Workers killed between an effect and its checkpoint: what is booked twice, and what is not."""

import threading

import psutil
import pytest
from sqlalchemy import text

from demo.contract import Status
from demo.store.engines import begin
from snippets.effects.far_side import Honours, Ignores, serve
from tests.system.fleet import Fleet, fleet  # noqa: F401

STEPS, KILLED_AT = 6, {2, 4, 5}


def charged(fleet: Fleet, far_side: Honours | Ignores):  # noqa: F811
    """One task, whose pool child is killed after some charges and before their answers."""
    workers: list[int] = []
    calls = 0

    def before_answer() -> None:
        nonlocal calls
        calls += 1
        if calls in KILLED_AT:
            for child in psutil.Process(workers[0]).children():
                child.kill()

    with serve(far_side, before_answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fleet.environment["CHARGES_URL"] = f"http://127.0.0.1:{server.server_port}/charges"
        fleet.dispatcher()
        workers.append(fleet.worker("charger", 1, "rehearsal", include="tests.system.charges").pid)
        task = fleet.submit(steps=STEPS)
        try:
            ended = fleet.until(task, lambda now: now.status.final)
        finally:
            server.shutdown()
    assert (ended.status, ended.attempt) == (Status.SUCCEEDED, 1 + len(KILLED_AT))
    return task


def receipts(fleet: Fleet, task) -> dict[str, int]:  # noqa: F811
    sql = text("SELECT key, result FROM effects WHERE task_id = :id ORDER BY key")
    with begin(fleet.owner) as connection:
        return {row.key: row.result["number"] for row in connection.execute(sql, {"id": task.id})}


@pytest.mark.claim("effects.honoured")
def test_a_far_side_that_honours_the_key_books_each_step_once(fleet: Fleet):  # noqa: F811
    far_side = Honours()
    task = charged(fleet, far_side)
    assert far_side.booked == [f'"{task.id}/charge/{step}"' for step in range(1, STEPS + 1)]
    assert receipts(fleet, task) == {f"charge/{n}": n for n in range(1, STEPS + 1)}


@pytest.mark.claim("effects.ignored")
def test_a_far_side_that_ignores_the_key_books_once_more_for_each_kill(fleet: Fleet):  # noqa: F811
    far_side = Ignores()
    task = charged(fleet, far_side)
    assert len(far_side.booked) == STEPS + len(KILLED_AT)
    assert len(set(far_side.booked)) == STEPS
    assert len(receipts(fleet, task)) == STEPS
