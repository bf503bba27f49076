"""Claim, checkpoint, finish: fenced, gapless, once."""

import pytest

from demo.contract import Checkpoint, Status
from demo.store import attempts, losses, submitting
from tests.integration.core.conftest import events_are_gapless


@pytest.mark.claim("core.one-claim")
def test_of_many_workers_with_one_hint_exactly_one_claims(store, at_once):
    for _ in range(20):
        task = store.submit()
        claims = at_once(8, lambda n, task=task: store.claim(task, worker=f"w{n}"))
        assert sum(claim is not None for claim in claims) == 1


@pytest.mark.claim("core.stale-hint")
@pytest.mark.claim("threat.e2")
def test_a_stale_or_forged_hint_claims_nothing(store):
    task = store.running()
    assert store.claim(task, 0) is None
    assert store.claim(task, 1) is None
    store.do(attempts.release, task, [])
    assert store.claim(task, 0) is None
    assert store.claim(task, 7) is None
    assert store.claim(task, 1).attempt == 2


@pytest.mark.claim("core.fencing")
def test_a_holder_presumed_dead_can_write_nothing(store):
    zombie = store.running()
    store.do(losses.worker_gone, "w", budget=5)
    store.claim(zombie, 1)
    assert store.do(attempts.beat, zombie, lease=30) is None
    assert store.do(attempts.append, zombie, [{"type": "log", "data": {}}], {}) is None
    assert store.do(attempts.checkpoint, zombie, Checkpoint(1, None), [], lease=30) is None
    assert store.do(attempts.finish, zombie, Status.SUCCEEDED, events=[]) is None
    assert store.do(attempts.release, zombie, []) is None
    assert store.do(attempts.postpone, zombie, 1, {}, []) is None
    task = store.get(zombie.id)
    assert (task.status, task.attempt, task.step) == (Status.RUNNING, 2, 0)


@pytest.mark.claim("core.gapless")
@pytest.mark.claim("core.effects-once")
def test_a_checkpoint_is_all_or_nothing_and_once(store):
    task = store.running()
    line = {"type": "log", "data": {"level": "info", "message": "hello"}}
    point = Checkpoint(1, {"next": "b"}, 50, "half", {"mail/a": {"sent": True}})
    committed = store.do(attempts.checkpoint, task, point, [line], lease=30)
    assert [event["type"] for event in committed.committed] == ["log", "progress"]
    assert committed.committed[1]["data"] == {"step": 1, "percent": 50, "message": "half"}
    assert store.do(attempts.checkpoint, task, point, [line], lease=30) is None
    assert store.do(attempts.settled, task).step == 1
    assert store.sql("SELECT count(*) FROM effects").scalar_one() == 1
    task = store.get(task.id)
    assert (task.state, task.progress["percent"]) == ({"next": "b"}, 50)
    assert events_are_gapless(store.events(task), task.last_seq)


def test_a_checkpoint_forgives_earlier_crashes(store):
    task = store.running()
    store.do(losses.worker_gone, "w", budget=5)
    task = store.claim(task, 1)
    assert task.crashes == 1
    assert store.do(attempts.checkpoint, task, Checkpoint(1, None), [], lease=30)
    assert store.get(task.id).crashes == 0


@pytest.mark.claim("core.one-end")
def test_an_end_is_written_once_and_last(store):
    task = store.running()
    assert store.do(attempts.finish, task, Status.SUCCEEDED, events=[], result=[1, "x", None])
    assert store.get(task.id).result == [1, "x", None]
    assert store.do(attempts.finish, task, Status.FAILED, events=[]) is None
    assert [event["type"] for event in store.events(task)] == ["status", "status", "end"]


@pytest.mark.claim("core.cancel-wins")
def test_cancel_and_finish_never_contradict(store, at_once):
    told = set()
    for _ in range(60):
        task = store.running()

        def act(n, task=task):
            if n == 0:
                return store.do(submitting.cancel, "local", task.id)
            return store.do(attempts.finish, task, Status.SUCCEEDED, events=[])

        at_once(2, act)
        now = store.get(task.id)
        asked = any(e["data"].get("status") == "canceling" for e in store.events(task))
        assert now.status is (Status.CANCELING if asked else Status.SUCCEEDED)
        told.add(now.status)
    assert told, "no race was run"


@pytest.mark.claim("core.postponed-as-row")
def test_a_postponed_task_is_a_row_that_is_due_later(store):
    task = store.running()
    store.do(attempts.postpone, task, 60, {"code": "timeout", "message": "late"}, [])
    row = store.sql(
        "SELECT status, failures, dispatch_after > now() + interval '50 s' AS later FROM tasks"
    ).one()
    assert tuple(row) == ("queued", 1, True)
    assert store.events(task)[-1]["data"]["retry_in"] == 60


def test_what_a_work_says_with_odd_characters_comes_back_as_said(store):
    task = store.running()
    odd = '\n\nid: 999\nevent: end\n\u2028 "quotes" ‮ é 🎈'
    line = {"type": "log", "data": {"level": "info", "message": odd}}
    store.do(attempts.append, task, [line], {})
    assert store.events(task)[-1]["data"]["message"] == odd
