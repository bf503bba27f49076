"""Small servers that the wrong versions run on: real processes on free ports."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from redis import Redis

from demo.local.servers import Valkey, new_password
from tests.stack import scratch

ROOT = Path(__file__).parents[2]
SNIPPETS = ROOT / "snippets"

Wait = Callable[[Callable[[], bool]], None]


def loaded(path: str, **environment: str) -> ModuleType:
    """A snippet as a module, as a reader would import it."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, SNIPPETS / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def eventually() -> Wait:
    """Wait for a condition; time is the deadline, never the proof."""

    def wait(condition: Callable[[], bool], within: float = 60) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"not within {within} s"
            time.sleep(0.05)

    return wait


class App:
    """One uvicorn process with an app of `snippets/antipatterns`; may be killed and started."""

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        self._module, self._environment = module, environment
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", f"{self._module}:app", "--port", str(self._port)],
            cwd=SNIPPETS / "antipatterns",
            env=self._environment,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def answers(self) -> bool:
        return answers(f"{self.url}/docs")


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


Serve = Callable[..., App]


@pytest.fixture
def serve(eventually: Wait, environment: dict[str, str]) -> Iterator[Serve]:
    """Start one of the wrong versions and wait until it answers."""
    apps: list[App] = []

    def start(module: str, **more: str) -> App:
        apps.append(App(module, environment | more))
        apps[-1].start()
        eventually(apps[-1].answers)
        return apps[-1]

    yield start
    for app in apps:
        app.kill()


Workers = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def celery_worker(environment: dict[str, str]) -> Iterator[Workers]:
    """Start a real Celery worker for one of the wrong versions."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        app: str, *options: str, folder: str = "antipatterns", **more: str
    ) -> subprocess.Popen[bytes]:
        quiet = ["--without-gossip", "--without-mingle", "--hostname", f"{len(started)}@test"]
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", app, "worker", *quiet, *options],
                cwd=SNIPPETS / folder,
                env=environment | more,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for worker in started:
        lose(worker)  # unless the test has done it


def lose(worker: subprocess.Popen[bytes]) -> None:
    """A worker and its pool's children, at once."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def consumers(broker: Valkey) -> int:
    """How many workers wait for messages of a broker."""
    with Redis.from_url(broker.url, protocol=2) as client:
        return sum(one["cmd"] == "brpop" for one in client.client_list())


@pytest.fixture
def broker() -> Iterator[Valkey]:
    """A Valkey of the test's own, for the taking."""
    with scratch() as folder:
        valkey = Valkey(folder, new_password())
        valkey.start()
        yield valkey
        valkey.kill()


PASSED = ("Content-Type", "Idempotency-Key")


@pytest.fixture
def gateway() -> Iterator[Callable[[str, float], str]]:
    """Put a gateway with a response time-out in front of a URL, as clouds do."""
    servers: list[ThreadingHTTPServer] = []

    def put(upstream: str, limit: float) -> str:
        class Gateway(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                passed = {name: self.headers[name] for name in PASSED if name in self.headers}
                try:
                    answer = httpx.post(
                        upstream + self.path,
                        content=asked,
                        headers=passed,
                        timeout=limit,
                        trust_env=False,
                    )
                    status, body = answer.status_code, answer.content
                except httpx.ReadTimeout:
                    status, body = 504, b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Gateway))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield put
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What a snippet's process inherits: no proxy between it and loopback."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
