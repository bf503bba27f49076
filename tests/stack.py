"""The whole demo under its supervisor, for tests that break it.

Its PostgreSQL and Valkey belong to the test, so that they can be taken away and brought back;
the supervisor gets them by URL.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, TypeVar

import httpx
import psutil

from demo.local import places
from demo.local.programs import ROLES
from demo.local.servers import Postgres, Valkey, free_port, new_password

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
LEASE = 10.0
# short, and still far from what a busy machine takes for a pause: a lease is 20 beats, and the
# grace 6 times what an idle worker needs to end
SHORT = {
    "DEMO_LEASE": str(LEASE),
    "DEMO_HEARTBEAT": "0.5",
    "DEMO_CANCEL_GRACE": "3",
    "DEMO_RELEASE_GRACE": "25",
    "DEMO_BACKOFF_FIRST": "1",
    "DEMO_SWEEP": "1",
    "DEMO_CONCURRENCY": "3",
}


def eventually(condition: Callable[[], T], *, within: float = 60, what: str = "") -> T:
    """The first true answer of a condition; fails when it never comes.

    The limit ends a test that hangs; how fast something is, is for others to measure.
    """
    until = time.monotonic() + within
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < until, what or f"not true within {within} s"
        time.sleep(0.02)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is locked while it is in use; what killed sessions left goes first."""
    for left in Path(gettempdir()).glob("lro-scratch-*"):
        with suppress(BlockingIOError, FileNotFoundError):  # its session lives, or has just ended
            if time.time() - left.stat().st_mtime > 60:  # not one that is just being locked
                with locked(left):
                    places.forget(left)
    folder = Path(mkdtemp(prefix="lro-scratch-"))
    folder.chmod(0o755)  # as root PostgreSQL runs as another user, who passes through
    with locked(folder):
        try:
            yield folder
        finally:
            places.forget(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder; the kernel lets go of it however this process ends."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[Postgres, Valkey]]:
    """Real servers, each restartable: `.kill()`, `.start()`."""
    # nothing survives the session, so nothing needs to reach the disk
    postgres = Postgres(folder, new_password(), options=("fsync=off", *options))
    valkey = Valkey(folder, new_password(), {user: new_password() for user in (*ROLES, "flower")})
    for server in (postgres, valkey):
        server.retrying = 60  # what a killed one leaves behind is gone when the machine has time
    try:
        postgres.start()
        valkey.start()
        yield postgres, valkey
    finally:
        valkey.kill()
        postgres.kill()


class Supervised:
    """A supervisor process and what it started."""

    def __init__(
        self, data: Path, port: int, *arguments: str, tree: Path = ROOT, **environment: str
    ) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self._output = data.with_name(f"{data.name}.out")
        clean = {name: value for name, value in os.environ.items() if "DEMO_" not in name}
        own = {"DEMO_DATA": str(data), "DEMO_PORT": str(port)}
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo", "up", *arguments],
                cwd=tree,
                env={**clean, **own, **environment},
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        """What a user reads in the terminal."""
        return self._output.read_text()

    def ready(self) -> None:
        """Wait for the table of addresses."""
        eventually(
            lambda: "Ready in" in self.said or self.process.poll() is not None,
            within=200,
            what="the stack is not ready",
        )
        assert self.process.poll() is None, self.said

    def pid(self, part: str) -> int:
        """The process id of `api`, `dispatcher`, `worker`, `postgresql` or `valkey`."""
        return int((self.data / "pids" / part).read_text())

    def processes(self) -> list[psutil.Process]:
        """Everything below the supervisor, guards and pool children included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: signal.Signals = signal.SIGTERM, *, within: float = 120) -> int:
        """Ask it to end and wait."""
        self.process.send_signal(number)
        return self.process.wait(within)


@dataclass
class Stack:
    """The running demo: `.client`, and its parts for the taking."""

    supervisor: Supervised
    postgres: Postgres
    valkey: Valkey
    client: httpx.Client

    @classmethod
    @contextmanager
    def running(cls, *arguments: str, tree: Path = ROOT, **environment: str) -> Iterator["Stack"]:
        """Start one from the sources in `tree`, and leave nothing of it."""
        with scratch() as folder, serving(folder) as (postgres, valkey):
            supervisor = Supervised(
                folder / "demo",
                free_port(),
                *arguments,
                tree=tree,
                DEMO_DATABASE_URL=postgres.url(),
                DEMO_REDIS_URL=valkey.url,
                **{f"DEMO_{role.upper()}_REDIS_URL": valkey.url_of(role) for role in ROLES},
                **{**SHORT, **environment},
            )
            try:
                supervisor.ready()
                with httpx.Client(base_url=supervisor.url, timeout=60, trust_env=False) as client:
                    yield cls(supervisor, postgres, valkey, client)
            finally:
                supervisor.process.send_signal(signal.SIGCONT)
                supervisor.end()

    @property
    def url(self) -> str:
        return self.supervisor.url

    @property
    def data(self) -> Path:
        return self.supervisor.data

    def pid(self, part: str) -> int:
        return self.supervisor.pid(part)

    def kill(self, part: str) -> None:
        """SIGKILL to all processes of a part, as when its machine is lost; it is started again."""
        os.killpg(self.pid(part), signal.SIGKILL)

    def terminate(self, part: str) -> None:
        """SIGTERM, as at a deploy; the part is started again when it has ended."""
        os.kill(self.pid(part), signal.SIGTERM)

    def kill_worker(self) -> None:
        self.kill("worker")

    def pool_children(self) -> list[psutil.Process]:
        """The worker's forked children."""
        return psutil.Process(self.pid("worker")).children()

    def kill_pool(self) -> None:
        """SIGKILL to every pool child; the worker itself lives."""
        for child in eventually(self.pool_children, what="no pool"):
            child.kill()

    @contextmanager
    def without(self, *parts: str) -> Iterator[None]:
        """Parts killed and kept away: the supervisor is paused meanwhile."""
        self.supervisor.process.send_signal(signal.SIGSTOP)
        try:
            for part in parts:
                self.kill(part)
            yield
        finally:
            self.supervisor.process.send_signal(signal.SIGCONT)

    def submit(self, kind: str = "rehearsal", /, **input: Any) -> dict[str, Any]:
        """POST a task; returns its monitor."""
        answer = self.client.post("/tasks", json={"kind": kind, "input": input})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def monitor(self, task: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get(f"/tasks/{task['id']}").raise_for_status().json())

    def events(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The task's whole history."""
        items: list[dict[str, Any]] = []
        while True:
            after = items[-1]["seq"] if items else 0
            page = self.client.get(f"/tasks/{task['id']}/events", params={"after": after})
            new = page.raise_for_status().json()["items"]
            if not new:
                return items
            items += new

    def until(
        self, task: dict[str, Any], *statuses: str, step: int = 0, within: float = 90
    ) -> dict[str, Any]:
        """Wait for a status and a checkpoint; returns the monitor."""

        def reached() -> dict[str, Any] | None:
            now = self.monitor(task)
            there = now["status"] in statuses and (now["progress"]["step"] or 0) >= step
            return now if there else None

        return eventually(reached, within=within, what=f"no {statuses} at step {step}")

    def ended(self, task: dict[str, Any], *, within: float = 90) -> dict[str, Any]:
        """Wait for a final status."""
        return self.until(task, "succeeded", "failed", "canceled", within=within)
