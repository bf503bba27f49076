"""Submit and cancel: one transaction, one task a key, final at once when queued."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import DBAPIError

from demo.contract import Status
from demo.store import submitting
from demo.store.engines import begin
from tests.stack import eventually

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def submit(store, key, fingerprint="f", tenant="local"):
    with begin(store.owner) as connection:
        return submitting.submit(
            connection,
            tenant=tenant,
            kind="rehearsal",
            input={"steps": 1},
            key=key,
            fingerprint=fingerprint,
        )


@pytest.mark.claim("http.idempotency-parallel")
def test_parallel_submits_with_one_key_make_one_task(store, at_once):
    answers = at_once(15, lambda _: submit(store, "order-7"))
    assert len({answer.task.id for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert store.sql("SELECT count(*) FROM tasks").scalar_one() == 1


def test_a_key_with_another_request_is_refused(store):
    submit(store, "k", "one")
    with pytest.raises(submitting.KeyReused):
        submit(store, "k", "two")


def test_keys_of_tenants_are_apart(store):
    assert submit(store, "k").task.id != submit(store, "k", tenant="other").task.id


def test_an_expired_key_is_free_again(store):
    first = submit(store, "k")
    store.sql("UPDATE idempotency_keys SET expires = now() - interval '1 s'")
    second = submit(store, "k", "other request")
    assert not second.replayed
    assert second.task.id != first.task.id


@pytest.mark.claim("core.cancel-queued")
def test_a_queued_task_is_canceled_at_once_and_never_claimed(store):
    task = store.submit()
    assert store.do(submitting.cancel, "local", task.id).status is Status.CANCELED
    assert store.claim(task) is None
    assert store.do(submitting.cancel, "local", task.id) is None


def test_another_tenant_cancels_nothing(store):
    task = store.submit()
    assert store.do(submitting.cancel, "other", task.id) is None
    assert store.get(task.id).status is Status.QUEUED


@pytest.mark.claim("threat.d1")
def test_who_submits_while_another_submit_is_open_is_counted_after_it(store):
    def submit_one(connection):
        wanted = submitting.Wanted("rehearsal", {"steps": 1})
        submitting.insert(connection, "local", wanted, submitting.Quota(most_open=1))

    def second():
        with begin(store.owner) as connection:
            submit_one(connection)

    with ThreadPoolExecutor(1) as threads:
        with begin(store.owner) as connection:
            submit_one(connection)
            late = threads.submit(second)
            eventually(lambda: late.done() or store.sql(WAITING).scalar_one() == 1)
        with pytest.raises(DBAPIError, match="has 1 open tasks"):
            late.result()
