"""Dispatch: due rows in fair order, few hints in the broker, and its loss of memory noticed."""

import base64
import json
from collections import Counter
from datetime import timedelta

import pytest
from redis import Redis

from demo.broker import PREFIX, Broker, app
from demo.dispatcher import Dispatcher, Reaper
from demo.settings import Settings
from demo.store import attempts, dispatching
from demo.wakeups import Publisher
from tests.stack import eventually


@pytest.fixture
def knobs():
    return Settings(window=4, lease=0.2, backoff_first=600, backoff_last=600)


@pytest.fixture
def valkey(servers):
    client = Redis.from_url(servers.redis_url, protocol=2, decode_responses=True)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def dispatcher(servers, valkey, store, knobs):
    app.conf.broker_url = servers.redis_url
    broker = Broker(servers.redis_url)
    yield Dispatcher(store.worker, broker, knobs)
    broker.close()


def hinted(valkey):
    bodies = [json.loads(m)["body"] for m in valkey.lrange(f"{PREFIX}rehearsal", 0, -1)]
    return [json.loads(base64.b64decode(body))[0] for body in reversed(bodies)]


def due(store, limit, *, first=600, last=600):
    return store.do(dispatching.due, "rehearsal", limit, first=first, last=last)


@pytest.mark.claim("core.window")
def test_no_more_hints_than_the_window_lie_in_a_queue(store, dispatcher, valkey):
    tasks = [store.submit() for _ in range(10)]
    assert dispatcher.turn() == 4
    assert dispatcher.turn() == 0
    assert hinted(valkey) == [[str(task.id), 0] for task in tasks[:4]]
    valkey.lpop(f"{PREFIX}rehearsal")
    assert dispatcher.turn() == 1


@pytest.mark.claim("core.broker-forgets")
def test_an_empty_broker_makes_all_queued_rows_due(store, dispatcher, valkey):
    task = store.submit()
    assert dispatcher.turn() == 1
    assert dispatcher.turn() == 0
    valkey.flushall()
    assert dispatcher.turn() == 1
    assert hinted(valkey) == [[str(task.id), 0]]


def test_a_broker_restored_from_an_old_copy_is_noticed(store, dispatcher, valkey):
    dispatcher.turn()
    old = valkey.hgetall("lro:memory")
    store.submit()
    dispatcher.turn()
    valkey.flushall()
    valkey.hset("lro:memory", mapping=old)
    assert dispatcher.turn() == 1


def test_a_task_that_waits_for_its_retry_is_not_due_because_the_broker_forgot(
    store, dispatcher, valkey
):
    task = store.running()
    store.do(attempts.postpone, task, 60, {"code": "timeout", "message": "late"}, [])
    valkey.flushall()
    assert dispatcher.turn() == 0


@pytest.mark.claim("core.fair-turns")
def test_tenants_take_turns_whatever_one_of_them_queues(store):
    for _ in range(20):
        store.submit("flood")
    for _ in range(2):
        store.submit("small")
    first = due(store, 4)
    tenants = Counter(store.get(hint.id).tenant for hint in first)
    assert tenants == {"flood": 2, "small": 2}


def test_two_dispatchers_never_choose_the_same_row(store, at_once):
    for _ in range(40):
        store.submit()
    chosen = at_once(4, lambda _: [hint.id for hint in due(store, 10)])
    ids = [id for batch in chosen for id in batch]
    assert len(ids) == len(set(ids))


@pytest.mark.claim("core.lost-hint")
def test_an_unclaimed_hint_is_sent_again_later_each_time(store):
    task = store.submit()
    for seconds in (5, 10, 20, 40, 60, 60):
        before = store.sql("SELECT clock_timestamp()").scalar()
        assert len(due(store, 1, first=5, last=60)) == 1
        after, again = store.sql("SELECT clock_timestamp(), dispatch_after FROM tasks").one()
        assert before <= again - timedelta(seconds=seconds) <= after
        store.sql("UPDATE tasks SET dispatch_after = now()")
    assert store.claim(task)


@pytest.mark.claim("core.reap-waits")
def test_the_reaper_trusts_no_lease_right_after_an_outage(servers, store, knobs, request):
    publisher = Publisher(servers.redis_url, b"k")
    request.addfinalizer(publisher.close)
    task = store.running()
    store.expire(task)
    patient = Reaper(store.worker, publisher, knobs.model_copy(update={"lease": 3600}))
    assert patient.turn() == 0
    assert patient.turn() == 0
    reaper = Reaper(store.worker, publisher, knobs)
    assert eventually(reaper.turn) == 1


@pytest.mark.claim("core.no-eviction")
def test_a_broker_that_may_drop_queues_is_refused(store, dispatcher, valkey):
    valkey.config_set("maxmemory", "100mb")
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(RuntimeError, match="noeviction"):
            dispatcher.turn()
    finally:
        valkey.config_set("maxmemory", "0")
        valkey.config_set("maxmemory-policy", "noeviction")
    assert dispatcher.turn() == 0
