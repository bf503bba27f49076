"""The reply to a COMMIT is lost: was it executed? The row knows (Temporal's ExecuteAndTimeout)."""

import threading
from contextlib import closing

import pytest
from sqlalchemy import make_url

from demo.contract import Checkpoint, Log, Status
from demo.settings import Settings
from demo.store.engines import engine
from demo.wakeups import Publisher
from demo.worker.attempt import Attempt
from tests.integration.core.conftest import events_are_gapless
from tests.integration.core.proxy import Proxy


@pytest.fixture
def proxy(database):
    url = make_url(database.worker)
    made = Proxy(url.host, url.port)
    yield made
    made.close()


@pytest.fixture
def attempt(servers, database, store, proxy):
    source = engine(make_url(database.worker).set(port=proxy.port).render_as_string(False))
    with closing(Publisher(servers.redis_url, b"k")) as publisher:
        yield Attempt(store.running(), source, publisher, Settings(), threading.Event())
    source.dispose()


@pytest.mark.claim("core.lost-reply")
def test_a_checkpoint_whose_reply_was_lost_is_not_run_again(store, proxy, attempt):
    attempt.buffer.add(Log("before"))
    proxy.swallow.set()
    attempt.checkpoint(Checkpoint(1, {"a": 1}, effects={"mail": 1}))
    attempt.checkpoint(Checkpoint(2, {"a": 2}))
    assert proxy.swallowed == 1
    task = store.get(attempt.task.id)
    events = store.events(task)
    assert (task.step, task.state) == (2, {"a": 2})
    assert [e["data"].get("step") for e in events if e["type"] == "progress"] == [1, 2]
    assert sum(e["data"].get("message") == "before" for e in events) == 1
    assert events_are_gapless(events, task.last_seq)


@pytest.mark.claim("core.lost-reply")
def test_an_end_whose_reply_was_lost_is_written_once(store, proxy, attempt):
    proxy.swallow.set()
    attempt.finish(Status.SUCCEEDED, result={"steps": 3})
    assert proxy.swallowed == 1
    task = store.get(attempt.task.id)
    assert (task.status, task.result) == (Status.SUCCEEDED, {"steps": 3})
    assert [e["type"] for e in store.events(task)].count("end") == 1


def test_a_line_whose_reply_was_lost_is_written_once(store, proxy, attempt):
    attempt.buffer.add(Log("only once"))
    proxy.swallow.set()
    with pytest.raises(Exception, match="connection"):
        attempt.flush()
    attempt.flush()
    lines = [e for e in store.events(attempt.task) if e["type"] == "log"]
    assert len(lines) == 1
