"""Dead attempts are found once, counted, and ended when they never get further."""

import pytest

from demo.contract import Status
from demo.store import attempts, losses, submitting
from tests.integration.core.conftest import events_are_gapless


def last(store, task):
    return store.events(task)[-1]["data"]


@pytest.mark.claim("core.lease")
def test_an_expired_lease_frees_the_task_and_a_renewed_one_does_not(store):
    dead, alive = store.running(), store.running()
    store.expire(dead)
    store.expire(alive)
    store.do(attempts.beat, alive, lease=30)
    assert [task.id for task in store.do(losses.reap, budget=5)] == [dead.id]
    assert last(store, dead) == {"status": "queued", "reason": "lease_expired"}
    assert store.get(alive.id).status is Status.RUNNING


@pytest.mark.claim("core.poison")
def test_a_task_that_kills_its_worker_again_and_again_fails(store):
    task = store.submit()
    for attempt in range(6):
        store.claim(task, attempt)
        store.do(losses.child_gone, task.id, attempt + 1, budget=5)
    task = store.get(task.id)
    assert (task.status, task.error["code"], task.attempt) == (Status.FAILED, "worker_lost", 6)
    assert events_are_gapless(store.events(task), task.last_seq)


def test_a_dead_attempt_of_a_canceled_task_ends_it(store):
    task = store.running()
    store.do(submitting.cancel, "local", task.id)
    store.do(losses.worker_gone, "w", budget=5)
    assert store.get(task.id).status is Status.CANCELED


def test_a_parent_that_is_late_frees_no_later_attempt(store):
    task = store.running()
    store.do(losses.worker_gone, "w", budget=5)
    store.claim(task, 1)
    assert store.do(losses.child_gone, task.id, 1, budget=5) == []
    assert store.get(task.id).status is Status.RUNNING


def test_only_the_predecessor_of_the_same_name_is_freed(store):
    mine, other = store.running(), store.submit()
    store.claim(other, worker="other")
    store.do(losses.worker_gone, "w", budget=5)
    assert store.get(mine.id).status is Status.QUEUED
    assert store.get(other.id).status is Status.RUNNING


@pytest.mark.claim("core.reap-once")
def test_many_reapers_find_a_dead_attempt_once(store, at_once):
    tasks = [store.running() for _ in range(10)]
    for task in tasks:
        store.expire(task)
    found = at_once(6, lambda _: len(store.do(losses.reap, budget=5)))
    assert sum(found) == 10
    for task in tasks:
        assert [e["data"]["status"] for e in store.events(task)] == ["queued", "running", "queued"]


def test_reaper_and_heartbeat_agree_on_who_holds_the_task(store, at_once):
    for _ in range(40):
        task = store.running()
        store.expire(task)

        def act(n, task=task):
            if n == 0:
                return len(store.do(losses.reap, budget=5))
            return store.do(attempts.beat, task, lease=30)

        results = at_once(2, act)
        reaped = 1 in results
        assert store.get(task.id).status is (Status.QUEUED if reaped else Status.RUNNING)
        store.sql("DELETE FROM tasks")
