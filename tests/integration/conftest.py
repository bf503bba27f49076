"""A real API process in front of a fresh database, and the store to move tasks by hand."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from sqlalchemy import Engine, text

from demo.contract import Status
from demo.local.servers import Postgres
from demo.store import attempts
from demo.store.engines import begin, engine
from demo.store.records import Record
from demo.wakeups import Publisher
from tests.conftest import fresh_database

KEY = "a key for tests"
PATIENCE = 30.0  # seconds: ends what hangs; a test that passes never waits them out


@dataclass
class Api:
    """A running API process."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **more)

    def terminate(self) -> tuple[int, float]:
        """Send SIGTERM; exit code, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE), time.monotonic() - began


class Hands:
    """Moves tasks as a worker would: store functions, then wake-ups unless they are to be lost."""

    def __init__(self, source: Engine, redis_url: str) -> None:
        self.source = source
        self.publisher = Publisher(patiently(redis_url), KEY.encode(), pause=0.01)
        self.held: dict[str, Any] = {}

    def claim(self, id: str, *, wake: bool = True) -> Record:
        with begin(self.source) as connection:
            self.held[id] = attempts.claim(connection, UUID(id), 0, worker="test", lease=60)
        return self._tell(self.held[id], wake)

    def log(self, id: str, *messages: str, wake: bool = True, **progress: Any) -> Record:
        lines = [{"type": "log", "data": {"level": "info", "message": text}} for text in messages]
        with begin(self.source) as connection:
            added = attempts.append(connection, self.held[id], lines, progress)
        return self._tell(added, wake)

    def finish(
        self, id: str, status: Status = Status.SUCCEEDED, *, wake: bool = True, **more: Any
    ) -> Record:
        with begin(self.source) as connection:
            ended = attempts.finish(connection, self.held[id], status, events=[], **more)
        return self._tell(ended, wake)

    def rows(self, sql: str) -> list[Any]:
        with begin(self.source) as connection:
            return list(connection.execute(text(sql)))

    def _tell(self, record: Record | None, wake: bool) -> Record:
        assert record, "refused"
        if wake:
            self.publisher.publish(record)
        return record


class Reader:
    """Reads a stream in a thread, as raw bytes."""

    def __init__(self, url: str, **headers: str) -> None:
        self.raw = b""
        self.status = 0
        self.headers: Any = {}
        self.error: Exception | None = None
        self.ended = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._read, args=(url, headers), daemon=True)
        self._thread.start()

    def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            with (
                httpx.Client(timeout=PATIENCE, trust_env=False) as client,
                client.stream("GET", url, headers=headers) as answer,
            ):
                self.status, self.headers = answer.status_code, answer.headers
                for chunk in answer.iter_raw():
                    self.raw += chunk
                    if self._stop:
                        return
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()

    def leave(self) -> None:
        """Takes effect with the next chunk, a keep-alive at the latest."""
        self._stop = True

    @property
    def blocks(self) -> list[bytes]:
        """Complete events, without comments and without the first one's `retry`."""
        told = re.sub(rb"^(: keep-alive|retry: \d+)\n", b"", self.raw, flags=re.MULTILINE)
        return told.split(b"\n\n")[:-1]

    @property
    def seqs(self) -> list[int]:
        return [int(block.split(b"\n")[0].removeprefix(b"id: ")) for block in self.blocks]

    def wait_for_bytes(self) -> None:
        """Until the stream has said something."""
        until(lambda: self.ended.is_set() or self.raw)

    def wait_for(self, last: int) -> None:
        """Until event `last` has arrived."""
        until(lambda: self.ended.is_set() or (self.seqs and self.seqs[-1] >= last))
        assert self.error is None
        assert self.seqs
        assert self.seqs[-1] >= last, self.raw[-500:]

    def wait_for_end(self) -> None:
        """Until the stream is over, completely."""
        assert self.ended.wait(PATIENCE), "it goes on"
        assert self.error is None, "the last chunk says that it is the last"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Poll for a condition; its value, or an error when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def patiently(url: str, seconds: float = PATIENCE) -> str:
    """The broker's URL, for one who gives up so late that no slow machine is the reason."""
    more = f"socket_timeout={seconds:.0f}&socket_connect_timeout={seconds:.0f}"
    return f"{url}{'&' if '?' in url else '?'}{more}"


def lose(postgres: Postgres) -> None:
    """Kill PostgreSQL; afterwards none of its backends is left, which might have answered."""
    family = psutil.Process(postgres.pid).children(recursive=True)
    postgres.kill()
    until(lambda: all(map(_is_gone, family)))


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


StartApi = Callable[..., Any]


@contextmanager
def running_api(servers: Any, database: Any, settings: dict[str, Any]) -> Iterator[Api]:
    """An API process, ended with the block."""
    port = free_port()
    folder = mkdtemp(prefix="lro-api-")
    environment = {
        "DEMO_DATA": folder,
        "PATH": os.environ["PATH"],
        "DEMO_PORT": str(port),
        "DEMO_DATABASE_URL": database.api,
        "DEMO_REDIS_URL": servers.redis_url,
        "DEMO_WAKEUP_KEY": KEY,
        **{_variable(name): str(value) for name, value in settings.items()},
    }
    run = [sys.executable, "-c", "from demo.api.serve import main; main()"]
    process = subprocess.Popen(run, env=environment)
    api = Api(f"http://127.0.0.1:{port}", process)
    try:
        with api.client() as client:
            until(lambda: _answers(api, client), 90)
        yield api
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
        rmtree(folder)


@pytest.fixture
def start_api(servers: Any, database: Any) -> StartApi:
    """Starts API processes with settings of one's own, on a database of one's own."""
    return lambda **settings: running_api(servers, database, settings)


@pytest.fixture
def own_hands(servers: Any, database: Any) -> Iterator[Hands]:
    """Hands for the database of `start_api`."""
    yield from _hands(servers, database)


@pytest.fixture(scope="session")
def shared_database(servers: Any) -> Iterator[Any]:
    with fresh_database(servers) as urls:
        yield urls


@pytest.fixture(scope="session")
def api(servers: Any, shared_database: Any) -> Iterator[Api]:
    """One API process for all tests that need no settings of their own."""
    with running_api(servers, shared_database, {"sweep": 0.5, "keepalive": 1, "linger": 1}) as api:
        yield api


@pytest.fixture(scope="session")
def patient(servers: Any, shared_database: Any) -> Iterator[Api]:
    """An API that hears wake-ups and hardly ever sweeps."""
    slow = {"sweep": 300, "longest_wait": 100, "keepalive": 1, "linger": 1}
    with running_api(servers, shared_database, slow) as api:
        yield api


@pytest.fixture
def client(api: Api, hands: Hands) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


@pytest.fixture
def hands(servers: Any, shared_database: Any) -> Iterator[Hands]:
    """Hands for the shared database, which is empty when a test begins."""
    owner = engine(shared_database.owner)
    with owner.begin() as connection:
        connection.execute(
            text("TRUNCATE tasks, events, effects, idempotency_keys, hosts, uploads")
        )
    owner.dispose()
    yield from _hands(servers, shared_database)


def _hands(servers: Any, database: Any) -> Iterator[Hands]:
    source = engine(database.worker)
    made = Hands(source, servers.redis_url)
    yield made
    made.publisher.close()
    source.dispose()


def _variable(name: str) -> str:
    return name if name.isupper() else f"DEMO_{name.upper()}"


def _answers(api: Api, client: httpx.Client) -> bool:
    assert api.process.poll() is None, "the API ended"
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def submit(client: httpx.Client, **input: Any) -> dict[str, Any]:
    """Submit a rehearsal; its monitor."""
    answer = client.post("/tasks", json={"kind": "rehearsal", "input": input})
    assert answer.status_code == 202, answer.text
    monitor: dict[str, Any] = answer.json()
    return monitor
