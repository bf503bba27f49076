"""One Valkey, plain Celery workers, and the diary that their tasks keep."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from celery import Celery
from redis import Redis

from demo.local.servers import Valkey, new_password

from .worker import Worker

Seen = dict[str, int | float | str]
Settings = dict[str, Any]
NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Entry:
    """A line of the diary."""

    what: str
    name: str
    pid: int
    worker: int
    at: float


@dataclass
class Bench:
    """What an experiment does to Celery, and what it can see of it."""

    data: Path
    settings: Settings
    valkey: Valkey
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.redis = Redis.from_url(self.valkey.url)
        self.celery = Celery(broker=self.valkey.url, backend=self.valkey.url, set_as_current=False)

    def worker(self, slots: int = 1, environment: Mapping[str, str] = NONE) -> Worker:
        """Start a worker; returns when it consumes."""
        name = f"worker-{len(self.workers)}"
        given = {"BROKER": self.valkey.url, "DIARY": str(self.data / "diary")}
        given |= {"SETTINGS": json.dumps(self.settings), **environment}
        worker = Worker(name, slots, self.data / f"{name}.log", given)
        self.workers.append(worker)
        self.wait(lambda: worker.ready)
        return worker

    def send(self, name: str, seconds: float = 0, task: str = "work") -> None:
        """Send a task as any client does."""
        args = [name, seconds] if task == "work" else [name]
        self.celery.send_task(task, args=args, task_id=name)

    def state(self, name: str) -> str:
        """What Celery tells a client that asks."""
        return str(self.celery.AsyncResult(name).state)

    def held(self) -> int:
        """Messages that the broker still has, waiting or taken."""
        return int(self.redis.llen("celery")) + int(self.redis.hlen("unacked"))

    def diary(self, what: str, name: str = "") -> list[Entry]:
        """What happened, in order; of one task or of all."""
        path = self.data / "diary"
        lines = path.read_text().splitlines() if path.exists() else []
        entries = [Entry(**json.loads(line)) for line in lines]
        return [e for e in entries if e.what == what and name in ("", e.name)]

    def started(self, name: str, times: int = 1, within: float = 60) -> Entry:
        """Wait for a start of a task; the first or a later one."""
        self.wait(lambda: len(self.diary("start", name)) >= times, within)
        return self.diary("start", name)[times - 1]

    def running(self) -> int:
        """How many run now, in workers that live."""
        living = {worker.pid for worker in self.workers if worker.alive}
        starts, finishes = (
            sum(entry.worker in living for entry in self.diary(what))
            for what in ("start", "finish")
        )
        return starts - finishes

    def settle(self, quiet: float = 2) -> None:
        """Wait until nothing has run and nothing was held for a while."""
        last = time.monotonic()

        def silent() -> bool:
            nonlocal last
            if self.held() or self.running():
                last = time.monotonic()
            return time.monotonic() - last > quiet

        self.wait(silent)

    def wait(self, condition: Callable[[], object], within: float = 60) -> None:
        """Poll for a condition."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(worker.log.read_text()[-2000:] for worker in self.workers)
                raise TimeoutError(f"It did not happen within {within} s.\n{logs}")
            time.sleep(0.05)

    def seen(self, name: str, **more: int | float | str) -> Seen:
        """What a user of the task notices."""
        starts, finishes = (len(self.diary(what, name)) for what in ("start", "finish"))
        return {"starts": starts, "finishes": finishes, "state": self.state(name), **more}


def hang_up(app: Celery) -> None:
    """Close all that an app has open in this process; it keeps a pool for each broker."""
    app.pool.force_close_all()
    if app.conf.result_backend:
        app.backend.client.connection_pool.disconnect()
    app.close()


@contextmanager
def bench(settings: Settings) -> Iterator[Bench]:
    """A fresh Valkey and nothing else; all of it is gone afterwards."""
    data = Path(mkdtemp(prefix="experiment-"))
    valkey = Valkey(data, new_password())
    try:
        valkey.start()
        made = Bench(data, settings, valkey)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
            made.redis.close()
            hang_up(made.celery)
    finally:
        valkey.kill()
        rmtree(data, ignore_errors=True)
