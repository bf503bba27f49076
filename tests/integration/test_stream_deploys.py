"""Streams of many readers while processes come and go, and beside readers that hardly read."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import make_url, text

from demo.api import sockets
from demo.store.engines import engine
from tests.bench.remote import Remote
from tests.stack import ROOT

from .conftest import Hands, Reader, StartApi, submit, until
from .metering import OF_CONNECTIONS, Meter

STREAMS, TASKS = 200, 20


@pytest.mark.claim("stream.rolling")
def test_a_rolling_restart_loses_nothing_and_shows_no_error(
    start_api: StartApi, own_hands: Hands
) -> None:
    with ExitStack() as world:
        readers = world.enter_context(Remote("tests.bench.returning"))
        balancer = world.enter_context(Remote("tests.bench.relay"))
        apis = [world.enter_context(start_api()) for _ in range(2)]
        balancer.ask("point", ports=[port_of(api) for api in apis])
        with apis[0].client() as client:
            ids = [submit(client, steps=1)["id"] for _ in range(TASKS)]
        for id in ids:
            own_hands.claim(id)
        paths = [f"/tasks/{ids[number % TASKS]}/stream" for number in range(STREAMS)]
        readers.ask("open", port=balancer.ask("listen"), paths=paths)
        told = readers.ask("until", seconds=60, open=STREAMS, least=2)
        assert told["reached"], told
        for _ in range(2):
            going = apis.pop(0)
            apis.append(world.enter_context(start_api()))
            balancer.ask("point", ports=[port_of(api) for api in apis])
            assert going.terminate()[0] == 0
            for id in ids:
                own_hands.log(id, "meanwhile")
            told = readers.ask("until", seconds=60, open=STREAMS, least=told["least"] + 1)
            assert told["reached"], told
        for id in ids:
            own_hands.finish(id)
        told = readers.ask("until", seconds=60, over=STREAMS)
        assert told["cut"] == STREAMS, "each was cut when its process ended"
        assert set(told["lasts"]) == {5}
        assert (told["twice"], told["missed"]) == (0, 0)
        assert set(told["statuses"]) == {"200"}, "not one error page"


def port_of(api: Any) -> int:
    return int(api.url.rsplit(":", 1)[1])


@pytest.mark.claim("stream.slow-memory")
def test_readers_of_a_byte_a_second_hold_little_and_delay_nobody(
    start_api: StartApi, own_hands: Hands
) -> None:
    slow_ones = 100
    with start_api() as api, api.client() as client, Remote("tests.bench.slow") as slow:
        id = submit(client, steps=1)["id"]
        own_hands.claim(id)
        quick = Reader(f"{api.url}/tasks/{id}/stream")
        quick.wait_for(2)
        process = psutil.Process(api.process.pid)
        before = process.memory_info().rss
        path = f"/tasks/{id}/stream"
        assert slow.ask("open", port=port_of(api), path=path, count=slow_ones) == slow_ones
        until(lambda: client.get("/status").json()["streams"] == slow_ones + 1)
        for number in range(150):
            own_hands.log(id, *(f"{number} " + "x" * 3000 for _ in range(8)))
        quick.wait_for(1202)
        assert quick.seqs == list(range(1, 1203))
        # 3.6 MB for each of them; what 500 of them may hold together is 100 MB
        assert process.memory_info().rss - before < slow_ones / 500 * 100 * 2**20


@pytest.mark.claim("stream.idle-costs-nothing")
def test_what_idle_streams_ask_is_the_same_however_many_there_are(
    start_api: StartApi, servers: Any, database: Any
) -> None:
    log_statements(servers, database)
    with start_api(sweep=1, keepalive=0.5) as api, api.client() as client:
        ids = [submit(client, steps=1)["id"] for _ in range(6)]
        meter, readers = Meter(servers, api), []
        for more in (1, 59):
            opened = [Reader(f"{api.url}/tasks/{ids[n % 6]}/stream") for n in range(more)]
            readers += opened
            for reader in opened:
                reader.wait_for(1)
            until_all_hear(readers)  # what their opening asked for is over, too
            before = len(meter.statements())
            with meter.no_commands():
                until(lambda seen=before: len(meter.statements()) >= seen + 3)
                until_all_hear(readers)
            swept = meter.statements()[before:]
            others = [line for line in swept if "FROM heads(" not in line]
            assert [line for line in others if not line.endswith(OF_CONNECTIONS)] == []
            # a connection that is new asks for its types, too
            assert len(others) <= 8 * (len(swept) - len(others) + 1), "of one connection a sweep"
        for reader in readers:
            reader.leave()


def until_all_hear(readers: list[Reader]) -> None:
    """Until each got one more keep-alive."""
    sizes = [(reader, len(reader.raw)) for reader in readers]
    until(lambda: all(len(reader.raw) > size for reader, size in sizes))


def log_statements(servers: Any, database: Any) -> None:
    """PostgreSQL tells each statement in a database from now on."""
    admin = engine(servers.postgres.url()).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        name = make_url(database.owner).database
        connection.execute(text(f"ALTER DATABASE {name} SET log_statement = 'all'"))
    admin.dispose()


LIMITED = """
import resource, sys
from demo.api.sockets import grant_descriptors
from demo.settings import Settings
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 900))
knobs = Settings()
grant_descriptors(knobs)
print(knobs.streams, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.claim("stream.descriptors")
@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ("500", 0, "500 700"),
        (None, 0, "700 900"),
        ("2000", 1, "DEMO_STREAMS=2000 needs 2200 descriptors; the hard limit is 900."),
    ],
    ids=["raised", "bows", "refused"],
)
def test_descriptors_are_there_before_the_port_opens(
    streams: str | None, code: int, said: str
) -> None:
    own = {"DEMO_STREAMS": streams} if streams else {}
    run = subprocess.run(
        [sys.executable, "-c", LIMITED],
        env={**os.environ, **own}, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == code
    assert said in run.stdout + run.stderr


@pytest.mark.claim("stream.queue")
@pytest.mark.parametrize("longest", [128, sockets.BACKLOG])
def test_a_queue_that_is_too_short_for_a_burst_is_said(
    longest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "somaxconn").write_text(f"{longest}\n")
    monkeypatch.setattr(sockets, "SOMAXCONN", tmp_path / "somaxconn")
    sockets.say_short_queue()
    said = capsys.readouterr().err
    assert ("sysctl -w net.core.somaxconn=2048" in said) == (longest < sockets.BACKLOG)
