"""Roles and row-level security: a query that forgets its tenant shows nothing."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from demo.store import dispatching
from demo.store.engines import SET_TENANT, begin, engine


@pytest.fixture
def api(database):
    made = engine(database.api)
    yield made
    made.dispose()


def seen(api, tenant, table):
    with begin(api) as connection:
        if tenant:
            connection.execute(SET_TENANT, {"tenant": tenant})
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


@pytest.mark.claim("security.rls")
@pytest.mark.parametrize("table", ["tasks", "events"])
@pytest.mark.claim("threat.a1")
def test_the_api_role_sees_one_tenant_only(store, api, table):
    store.submit("a")
    store.submit("a")
    store.submit("b")
    assert [seen(api, tenant, table) for tenant in ("a", "b", "c", None)] == [2, 1, 0, 0]


@pytest.mark.claim("threat.a1")
def test_the_api_role_can_not_write_for_another_tenant(store, api):
    task = store.submit("a")
    with begin(api) as connection:
        connection.execute(SET_TENANT, {"tenant": "b"})
        changed = connection.execute(
            text("UPDATE tasks SET status = 'canceled' WHERE id = :id"), {"id": task.id}
        )
    assert changed.rowcount == 0


@pytest.mark.claim("security.least-privilege")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tasks",
        "UPDATE events SET data = '{}'",
        "DELETE FROM events",
        "TRUNCATE tasks",
        "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tasks DISABLE TRIGGER guard_task",
    ],
)
@pytest.mark.parametrize("role", ["api", "worker"])
def test_no_role_may_do_more_than_its_work(store, database, role, statement):
    store.submit()
    source = engine(getattr(database, role))
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        begin(source) as c,
    ):
        c.execute(text(statement))
    source.dispose()


@pytest.mark.claim("core.retention")
def test_retention_deletes_final_tasks_only(store):
    old, open_, young = store.submit(), store.submit(), store.submit()
    store.sql("ALTER TABLE tasks DISABLE TRIGGER guard_task")
    store.sql(
        "UPDATE tasks SET created = now() - interval '8 days' WHERE id IN (:a, :b)",
        a=old.id,
        b=open_.id,
    )
    store.sql("UPDATE tasks SET status = 'canceled' WHERE id IN (:a, :b)", a=old.id, b=young.id)
    store.sql("ALTER TABLE tasks ENABLE TRIGGER guard_task")
    assert store.do(dispatching.purge, days=7) == 1
    left = {row.id for row in store.sql("SELECT id FROM tasks")}
    assert left == {open_.id, young.id}
    assert store.sql("SELECT count(DISTINCT task_id) FROM events").scalar_one() == 2
