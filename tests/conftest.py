"""Fixtures of all tests: real servers, a fresh database, the whole stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text

from demo.local.servers import Postgres, Valkey, new_password
from demo.store.engines import engine
from demo.store.migrate import migrate
from tests.bench.machine import raise_descriptors
from tests.browser import launch
from tests.stack import Stack, scratch, serving

UNHURRIED = text("SET statement_timeout = 0")  # a checkpoint may be part of the statement
STREAMS = 1000  # the most that one test opens; what it starts inherits the limit


def pytest_configure() -> None:
    raise_descriptors(STREAMS)
    # the same examples each time, on a machine of any speed
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile(
        "steady", derandomize=True, deadline=None, suppress_health_check=slow
    )
    hypothesis.settings.load_profile("steady")


@dataclass(frozen=True)
class Servers:
    """A real PostgreSQL and a real Valkey; the roles' passwords hold for the session."""

    postgres: Postgres
    valkey: Valkey
    api_password: str
    worker_password: str

    @property
    def redis_url(self) -> str:
        return self.valkey.url


@dataclass(frozen=True)
class Database:
    """The URLs of one fresh database, by role."""

    owner: str
    api: str
    worker: str


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Valkey for the session, each restartable: `.postgres.kill()`, `.start()`."""
    with scratch() as folder, serving(folder, "max_connections=200") as (postgres, valkey):
        yield Servers(postgres, valkey, new_password(), new_password())


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole demo as real processes with a short lease: see `tests/stack.py`."""
    with Stack.running() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; closed with its module, for its event loop belongs to nobody else."""
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture
def database(servers: Servers) -> Iterator[Database]:
    """A fresh, migrated database."""
    with fresh_database(servers) as urls:
        yield urls


@contextmanager
def fresh_database(servers: Servers) -> Iterator[Database]:
    """For fixtures of a wider scope."""
    name = f"test_{uuid4().hex}"
    admin = engine(servers.postgres.url()).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(UNHURRIED)
        connection.execute(text(f"CREATE DATABASE {name}"))
    urls = Database(
        owner=servers.postgres.url(database=name),
        api=servers.postgres.url("lro_api", servers.api_password, name),
        worker=servers.postgres.url("lro_worker", servers.worker_password, name),
    )
    migrate(urls.owner, urls.api, urls.worker)
    admin.dispose()  # a test may end the server, and with it this connection
    yield urls
    with admin.connect() as connection:
        connection.execute(UNHURRIED)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
