"""TLS to the data: each client of the demo meets the right server, a wrong name, a stranger."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import pytest
import trustme
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from demo.hub.listening import Listener
from demo.settings import Settings, refuse_plain
from demo.store.engines import async_engine, engine
from demo.store.migrate import migrate
from demo.store.pool import Pool
from demo.transport import is_protected
from demo.wakeups import connect
from tests.integration.conftest import patiently
from tests.integration.tls import Front, fronted

ONE = text("SELECT 1 AS one").columns()
HINT = """
from uuid import UUID
from demo.broker import app, send_hint
from demo.store.dispatching import Hint
app.connection_for_write().connect()
send_hint(Hint(UUID(int=1), 1, "rehearsal", None), None)
"""
REFUSED = (DBAPIError, OSError, RedisError, subprocess.CalledProcessError)
Part = Callable[[str], None]


def through_psycopg2(url: str) -> None:
    source = engine(url)
    try:
        with source.connect() as connection:
            assert connection.execute(ONE).scalar_one() == 1
    finally:
        source.dispose()


def through_asyncpg(url: str) -> None:
    async def ask() -> None:
        source = async_engine(url)
        try:
            async with source.connect() as connection:
                assert (await connection.execute(ONE)).scalar_one() == 1
        finally:
            await source.dispose()

    asyncio.run(ask())


def through_the_pool(url: str) -> None:
    async def ask() -> None:
        pool = Pool(url, 1)
        assert await pool.rows(ONE) == [{"one": 1}]
        await pool.close()

    asyncio.run(ask())


def through_redis(url: str) -> None:
    with connect(patiently(url)) as client:
        assert client.ping()


def through_the_hub(url: str) -> None:
    """What is published there is heard here."""

    async def hear() -> None:
        heard = asyncio.Event()
        listener = Listener(patiently(url), lambda *_: heard.set(), lambda: None)
        running = asyncio.create_task(listener._session())
        try:
            async with asyncio.timeout(60):
                while not listener.up and not running.done():
                    await asyncio.sleep(0.01)
                if running.done():
                    await running
                await listener.join("news")
                with connect(patiently(url)) as client:
                    while not heard.is_set():  # who joins late does not hear the first one
                        await asyncio.to_thread(client.publish, "news", "1")
                        await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await listener.close()

    asyncio.run(hear())


def through_celery(url: str) -> None:
    subprocess.run(
        [sys.executable, "-c", HINT],
        env={**os.environ, "DEMO_REDIS_URL": url},
        check=True,
        capture_output=True,
        timeout=60,
    )


DATABASE: list[Part] = [through_psycopg2, through_asyncpg, through_the_pool, migrate]
BROKER: list[Part] = [through_redis, through_the_hub, through_celery]


def reached(part: Part, running: AbstractContextManager[Front], url: URL) -> bool:
    """Whether a client came through; one that did not must have kept everything to itself."""
    with running as front:
        answered = True
        try:
            part(url.set(port=front.port).render_as_string(hide_password=False))
        except REFUSED:
            answered = False
    assert answered == bool(front.heard)
    return answered


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def who_answers(authority: trustme.CA) -> list[tuple[trustme.CA, str, bool]]:
    """The right server; a true certificate for another name; the right name by a stranger."""
    right, other, stranger = (authority, "localhost"), (authority, "db.test"), "localhost"
    return [(*right, True), (*other, False), (trustme.CA(), stranger, False)]


@pytest.mark.parametrize("part", DATABASE, ids=lambda part: part.__name__)
@pytest.mark.claim("security.tls-postgresql")
def test_each_driver_talks_to_the_named_postgresql_only(
    part, servers, database, authority, trusted
):
    asked = {"sslmode": "verify-full", "sslrootcert": str(trusted)}
    url = make_url(database.owner).set(host="localhost").update_query_dict(asked)
    for whose, name, right in who_answers(authority):
        running = fronted(whose, name, servers.postgres.port, postgres=True)
        assert reached(part, running, url) is right


@pytest.mark.parametrize("part", BROKER, ids=lambda part: part.__name__)
@pytest.mark.claim("security.tls-broker")
def test_each_client_talks_to_the_named_broker_only(part, servers, authority, trusted):
    url = make_url(servers.redis_url).set(drivername="rediss", host="localhost")
    for whose, name, right in who_answers(authority):
        running = fronted(whose, name, servers.valkey.port, postgres=False)
        assert (
            reached(part, running, url.update_query_dict({"ssl_ca_certs": str(trusted)})) is right
        )


@pytest.mark.claim("security.tls-broker")
def test_celery_verifies_without_being_told_an_authority(servers, authority):
    url = make_url(servers.redis_url).set(drivername="rediss", host="localhost")
    running = fronted(authority, "localhost", servers.valkey.port, postgres=False)
    assert not reached(through_celery, running, url)


@pytest.mark.parametrize("part", DATABASE, ids=lambda part: part.__name__)
def test_a_server_without_tls_gets_no_password(part, database, trusted):
    with pytest.raises((*REFUSED, asyncpg.PostgresError)):
        part(f"{database.owner}?sslmode=verify-full&sslrootcert={trusted}")


HERE = ["127.0.0.1:1", "localhost", "[::1]:1", ""]
SAFE = [
    *(f"{scheme}://u:p@{host}/0" for scheme in ("redis", "postgresql") for host in HERE),
    "rediss://u:p@redis.test:10000/0",
    "rediss://u:p@redis.test/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required",
    "postgresql://u:p@db.test/d?sslmode=verify-full&sslrootcert=/ca.pem",
]
UNSAFE = [
    "redis://u:p@redis.test/0",
    "REDISS://u:p@redis.test/0",
    "redis://u:p@10.0.0.4/0?ssl_ca_certs=/ca.pem",
    "rediss://u:p@redis.test/0?ssl_cert_reqs=none",
    "rediss://u:p@redis.test/0?ssl_check_hostname=false",
    "postgresql://u:p@db.test/d",
    *(f"postgresql://u:p@db.test/d?sslmode={mode}" for mode in ("prefer", "require", "verify-ca")),
    "postgresql://u:p@127.0.0.1,db.test/d",
    "postgresql://u:p@/d?host=db.test",
    "postgresql://u:p@localhost/d?hostaddr=10.0.0.4",
]


@pytest.mark.claim("security.no-plain-data")
def test_an_url_that_would_show_its_password_is_refused_without_showing_it():
    assert [url for url in SAFE if not is_protected(url)] == []
    assert [url for url in UNSAFE if is_protected(url)] == []
    for name in ("database_url", "worker_database_url", "redis_url", "api_redis_url"):
        with pytest.raises(SystemExit, match=f"DEMO_{name.upper()}") as refusal:
            refuse_plain(Settings(**{name: "redis://u:a-password@redis.test/0"}))
        assert "a-password" not in str(refusal.value)
        refuse_plain(Settings(**{name: "redis://redis.test/0", "plain_data": True}))


@pytest.mark.claim("security.no-plain-data")
@pytest.mark.parametrize("program", ["demo", "demo.broker"])
def test_no_process_starts_with_such_an_url(program):
    ended = subprocess.run(
        [sys.executable, "-m", program, *(["dispatcher"] if program == "demo" else [])],
        env={**os.environ, "DEMO_REDIS_URL": "redis://u:p@redis.test/0"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, b"DEMO_REDIS_URL would send" in ended.stderr) == (1, True)
