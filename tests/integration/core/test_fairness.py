"""Who waits for whom: a tenant's turns and cap, a task's priority and deadline."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from demo.contract import Status
from demo.store import attempts, dispatching, losses, submitting
from demo.store.engines import begin
from tests.integration.core.conftest import events_are_gapless


def due(store, limit=32, **more):
    return store.do(dispatching.due, "rehearsal", limit, first=600, last=600, **more)


def tenants(store, hints):
    return Counter(store.get(hint.id).tenant for hint in hints)


def submit(store, tenant="local", **terms):
    with begin(store.owner) as connection:
        return submitting.submit(connection, tenant, kind="rehearsal", input={}, **terms).task


@pytest.mark.claim("fair.tenant-turns")
def test_who_has_much_running_waits_for_who_has_nothing(store):
    for _ in range(6):
        store.claim(store.submit("flood"))
    for _ in range(6):
        store.submit("flood")
    for _ in range(3):
        store.submit("small")
    assert tenants(store, due(store, 3)) == {"small": 3}
    assert tenants(store, due(store, 32)) == {"flood": 6}


@pytest.mark.claim("fair.priority-is-yours")
def test_priority_orders_a_tenants_own_tasks_and_outranks_nobody(store):
    low, high = submit(store, "calm", priority=9), submit(store, "calm", priority=0)
    for _ in range(4):
        submit(store, "pushy", priority=0)
    chosen = due(store, 4)
    assert tenants(store, chosen) == {"calm": 2, "pushy": 2}
    mine = [hint.id for hint in chosen if store.get(hint.id).tenant == "calm"]
    assert mine == [high.id, low.id]


@pytest.mark.claim("fair.cap")
def test_no_tenant_gets_more_hints_than_it_may_run(store):
    running = [store.submit("flood") for _ in range(2)]
    for task in running:
        store.claim(task)
    for _ in range(9):
        store.submit("flood")
        store.submit("other")
    assert tenants(store, due(store, cap=3)) == {"flood": 1, "other": 3}
    assert due(store, cap=3) == []
    store.do(attempts.finish, store.get(running[0].id), Status.SUCCEEDED, events=[])
    assert tenants(store, due(store, cap=3)) == {"flood": 1}


@pytest.mark.claim("fair.cap")
def test_of_many_claims_at_once_a_tenant_gets_its_cap(store, at_once):
    tasks = [store.submit() for _ in range(12)]

    def claim(number):
        return store.do(attempts.claim, tasks[number].id, 0, worker="w", lease=30, cap=3)

    assert sum(claimed is not None for claimed in at_once(12, claim)) == 3
    assert store.do(attempts.claim, store.submit("other").id, 0, worker="w", lease=30, cap=3)


def test_what_waits_for_its_retry_counts_against_no_cap(store):
    task = store.running()
    store.do(attempts.postpone, task, 600, {"code": "timeout", "message": "late"}, [])
    store.submit()
    assert len(due(store, cap=1)) == 1


@pytest.mark.claim("fair.deadline")
def test_a_queued_task_fails_at_its_deadline_and_is_not_claimed_after_it(store):
    past = datetime.now(UTC) - timedelta(seconds=1)
    late, ample = submit(store, deadline=past), submit(store, deadline=past + timedelta(hours=1))
    assert store.claim(late) is None
    assert [task.id for task in store.do(losses.expire)] == [late.id]
    late = store.get(late.id)
    assert (late.status, late.error["code"]) == (Status.FAILED, "deadline_exceeded")
    assert events_are_gapless(store.events(late), late.last_seq)
    assert store.events(late)[-1]["data"]["error"]["code"] == "deadline_exceeded"
    assert store.get(ample.id).status is Status.QUEUED
    assert store.do(losses.expire) == []


@pytest.mark.claim("fair.deadline")
def test_success_does_not_come_after_the_deadline(store):
    task = store.claim(submit(store, deadline=datetime.now(UTC) + timedelta(hours=1)))
    store.sql("ALTER TABLE tasks DISABLE TRIGGER guard_task")  # which lets nobody move a deadline
    store.sql("UPDATE tasks SET deadline = clock_timestamp()")
    store.sql("ALTER TABLE tasks ENABLE TRIGGER guard_task")
    assert store.do(attempts.finish, task, Status.SUCCEEDED, events=[], result=1) is None
    assert store.do(attempts.finish, task, Status.FAILED, events=[], error=losses.LATE)


def test_hosts_that_nobody_asks_any_more_are_forgotten(store):
    for host, age in (("old", "2 days"), ("new", "1 hour")):
        store.sql(
            "INSERT INTO hosts (host, next_at) VALUES (:host, now() - CAST(:age AS interval))",
            host=host, age=age,
        )  # fmt: skip
    store.sql(
        "INSERT INTO hosts (host, next_at, open_until) "
        "VALUES ('open', now() - interval '2 days', now() + interval '1 hour')"
    )
    store.do(dispatching.purge, days=7)
    assert {row.host for row in store.sql("SELECT host FROM hosts")} == {"new", "open"}


def test_what_a_tenant_read_is_forgotten_after_an_hour(store):
    for host, age in (("old", "2 hours"), ("new", "1 minute")):
        store.sql(
            "INSERT INTO visits VALUES ('t', :host, now() - CAST(:age AS interval))",
            host=host, age=age,
        )  # fmt: skip
    store.do(dispatching.purge, days=7)
    assert [row.host for row in store.sql("SELECT host FROM visits")] == ["new"]
