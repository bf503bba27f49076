"""A worker's connection plans a statement once, and notices when it is gone."""

from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from demo.contract import Checkpoint
from demo.store import attempts
from demo.store.engines import begin, engine, once

PREPARED = text("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'lro%'")


def test_a_statement_is_planned_once_a_connection(store):
    task = store.running()
    with begin(store.worker) as connection:
        for step in range(1, 9):
            assert attempts.checkpoint(connection, task, Checkpoint(step, None), [], lease=30)
        planned = connection.execute(PREPARED).scalars().all()
    assert sum("INSERT INTO effects" in one for one in planned) == 1


@pytest.mark.claim("core.planned-once")
def test_a_column_that_is_added_meanwhile_harms_no_worker(store):
    task = store.running()
    with once(store.worker) as connection:
        assert attempts.checkpoint(connection, task, Checkpoint(1, None), [], lease=30)
        store.sql("ALTER TABLE tasks ADD COLUMN later int")
        assert attempts.checkpoint(connection, task, Checkpoint(2, None), [], lease=30)
        assert attempts.settled(connection, task).step == 2


@pytest.mark.claim("core.planned-once")
def test_after_a_restart_only_the_first_statement_fails(store):
    task = store.submit()
    with ExitStack() as held:  # the pool keeps three connections, as the server does
        for _ in range(3):
            held.enter_context(begin(store.worker)).execute(PREPARED)
    store.sql(
        """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
           WHERE usename = 'lro_worker' AND datname = current_database()"""
    )
    with pytest.raises(OperationalError):
        store.claim(task)
    assert store.claim(task), "the others of the pool went with the first"


@pytest.mark.claim("core.unprepared")
def test_behind_a_pooler_nothing_is_prepared(store, database):
    task = store.running()
    plain = engine(database.worker, prepares=False)
    with begin(plain) as connection:
        assert attempts.checkpoint(connection, task, Checkpoint(1, None), [], lease=30)
        assert connection.execute(PREPARED).all() == []
    plain.dispose()


def test_what_the_server_refuses_is_an_error_of_sqlalchemy(store):
    task = store.running()
    with pytest.raises(DataError):
        store.do(attempts.beat, task, lease="no number")
    assert store.do(attempts.beat, task, lease=30), "the connection is as good as before"
