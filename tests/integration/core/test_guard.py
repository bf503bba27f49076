"""The database is the last guard: whatever code is wrong, these writes are refused."""

import pytest
from sqlalchemy.exc import DBAPIError

from demo.contract import Checkpoint, Status
from demo.store import attempts


@pytest.mark.claim("core.final-is-final")
@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
@pytest.mark.parametrize(
    "change", ["status = 'queued'", "result = '1'", "last_seq = last_seq + 1", "finished = now()"]
)
def test_no_write_reaches_a_final_row(store, status, change):
    task = store.running()
    store.do(attempts.finish, task, status, events=[], result={"steps": 3})
    with pytest.raises(DBAPIError, match="is final"):
        store.sql(f"UPDATE tasks SET {change} WHERE id = :id", id=task.id)


@pytest.mark.claim("core.transitions")
@pytest.mark.parametrize("status", ["succeeded", "failed", "canceling"])
def test_a_queued_task_only_starts_or_is_canceled(store, status):
    task = store.submit()
    with pytest.raises(DBAPIError, match="no transition"):
        store.sql("UPDATE tasks SET status = :status WHERE id = :id", id=task.id, status=status)


@pytest.mark.parametrize("status", ["queued", "running", "succeeded"])
def test_a_canceling_task_never_succeeds_or_goes_on(store, status):
    task = store.running()
    store.sql("UPDATE tasks SET status = 'canceling' WHERE id = :id", id=task.id)
    with pytest.raises(DBAPIError, match="no transition"):
        store.sql("UPDATE tasks SET status = :status WHERE id = :id", id=task.id, status=status)


@pytest.mark.parametrize("change", ["attempt = 0", "last_seq = 0", "step = 1"])
def test_nothing_steps_backwards(store, change):
    task = store.running()
    store.do(attempts.checkpoint, task, Checkpoint(2, None), [], lease=30)
    with pytest.raises(DBAPIError, match="steps backwards"):
        store.sql(f"UPDATE tasks SET {change} WHERE id = :id", id=task.id)


def test_a_new_version_may_start_over(store):
    task = store.running()
    store.do(attempts.checkpoint, task, Checkpoint(2, {"old": 1}), [], lease=30)
    assert store.do(attempts.upgrade, task, 2, 0, None)
    upgraded = store.get(task.id)
    assert (upgraded.version, upgraded.step, upgraded.state) == (2, 0, None)


@pytest.mark.parametrize("change", ["input = '{}'", "tenant = 'other'", "kind = 'web_scrape'"])
def test_what_was_submitted_never_changes(store, change):
    task = store.submit()
    with pytest.raises(DBAPIError, match="never changes"):
        store.sql(f"UPDATE tasks SET {change} WHERE id = :id", id=task.id)
