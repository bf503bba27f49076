"""The audit log only grows, and shows a tenant its own entries."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from demo.store import auditing, dispatching
from demo.store.engines import SET_TENANT, begin, engine


def note(connection, tenant="local", **more):
    auditing.record(connection, tenant, actor="ann", action="task.retry", **more)


@pytest.mark.claim("audit.only-grows")
@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit", "TRUNCATE audit"]
)
def test_nobody_rewrites_the_audit_log_not_even_its_owner(store, database, statement):
    with begin(store.owner) as connection:
        note(connection, was={"steps": 1}, became={"steps": 2})
    with pytest.raises(DBAPIError, match="only grows"):
        store.sql(statement)
    for role in ("api", "worker"):
        source = engine(getattr(database, role))
        with pytest.raises(ProgrammingError, match="permission denied"), begin(source) as c:
            c.execute(text(statement))
        source.dispose()


def test_retention_takes_what_is_old_enough_and_nothing_younger(store):
    for age in ("400 days", "100 days", "1 day"):
        store.sql(
            "INSERT INTO audit (tenant, actor, action, at) "
            "VALUES ('local', 'ann', 'x', now() - CAST(:age AS interval))",
            age=age,
        )
    store.do(dispatching.purge, days=7, audit_days=365)
    assert store.sql("SELECT count(*) FROM audit").scalar_one() == 2
    with pytest.raises(DBAPIError, match="only grows"):
        store.do(dispatching.purge, days=7, audit_days=0)


@pytest.mark.claim("audit.own-tenant")
def test_the_api_writes_and_reads_its_own_tenants_entries(store, database):
    api = engine(database.api)
    for tenant in ("a", "b"):
        with begin(api) as connection:
            connection.execute(SET_TENANT, {"tenant": tenant})
            note(connection, tenant)
    with begin(api) as connection:
        connection.execute(SET_TENANT, {"tenant": "a"})
        assert connection.execute(text("SELECT count(*) FROM audit")).scalar_one() == 1
        assert len(auditing.entries(connection, "a")) == 1
        assert auditing.entries(connection, "b") == []
        with pytest.raises(DBAPIError, match="row-level security"):
            note(connection, "b")
    api.dispose()
