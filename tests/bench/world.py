"""Real servers that keep what they promise, and the processes under test, each on its cores."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import httpx

from demo.local import places
from demo.local.children import Child
from demo.local.servers import Postgres, Valkey, free_port, new_password
from tests.bench.machine import cores, started_on
from tests.conftest import Database, Servers, fresh_database
from tests.stack import eventually

KEY = "a key for the bench"


@dataclass(frozen=True, slots=True)
class Served:
    """A process that answers HTTP."""

    port: int
    child: Child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class World:
    """A section's servers; what it starts ends with its `exits`."""

    servers: Servers
    database: Database
    exits: ExitStack

    @property
    def redis_url(self) -> str:
        return self.servers.redis_url

    def start(
        self,
        name: str,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        measured: bool = True,
    ) -> Child:
        """Run a module on the measured core, or on the others."""
        one, rest = cores()
        with started_on(one if measured else rest):
            child = Child(
                name,
                self.servers.valkey.data,
                [sys.executable, "-m", module, *arguments],
                {
                    "PATH": os.defpath,
                    "DEMO_REDIS_URL": self.redis_url,
                    "DEMO_WAKEUP_KEY": KEY,
                    "PYTHONUNBUFFERED": "1",
                    **(environment or {}),
                },
            )
            child.start()
        self.exits.callback(child.kill)  # nothing it holds is needed any more
        return child

    def api(self, name: str, port: int = 0, **environment: str) -> Served:
        """The demo's API, on a port of its own unless one is given."""
        port = port or free_port()
        own = {"DEMO_DATABASE_URL": self.database.api, "DEMO_PORT": str(port), **environment}
        return answering(Served(port, self.start(name, "demo", "api", environment=own)), "/livez")

    def rival(
        self, module: str, name: str = "", *, measured: bool = True, **environment: str
    ) -> Served:
        """One of the servers that do less."""
        port, path = free_port(), f"tests.bench.rivals.{module}"
        child = self.start(
            name or module, path, str(port), measured=measured, environment=environment
        )
        return answering(Served(port, child))

    def celery(self, app: str, queue: str, slots: int, **environment: str) -> Child:
        """A Celery worker on the measured core, ready."""
        child = self.start(
            app,
            "celery",
            *("-A", app, "worker", "-n", f"{queue}@bench", "-Q", queue, "-c", str(slots)),
            *("-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
            environment=environment,
        )
        until_it_says(child, " ready.")
        return child


def until_it_says(child: Child, word: str) -> None:
    """Wait for a word in its log."""
    eventually(lambda: word in child.log.read_text(), within=60, what=f"{child.name}: no {word}")


def answering(served: Served, path: str = "/") -> Served:
    def answers() -> bool:
        if not served.child.alive:
            raise RuntimeError(f"{served.child.name} ended. {served.child.last_word}")
        try:
            return httpx.get(f"{served.url}{path}", trust_env=False).status_code < 500
        except httpx.TransportError:
            return False

    eventually(answers, within=60)
    return served


@contextmanager
def running() -> Iterator[Servers]:
    """Servers for all sections: PostgreSQL with its durable defaults, Valkey as the demo has it."""
    data = Path(mkdtemp(prefix="lro-bench-"))
    data.chmod(0o711)  # as root PostgreSQL runs as another user, who passes through
    postgres = Postgres(data, new_password(), options=("max_connections=200",))
    valkey = Valkey(data, new_password())
    try:
        with started_on(cores()[1]):
            postgres.start()
            valkey.start()
        yield Servers(postgres, valkey, new_password(), new_password())
    finally:
        valkey.kill()
        postgres.kill()
        places.forget(data)


@contextmanager
def fresh(servers: Servers) -> Iterator[World]:
    """A fresh database and nothing running."""
    with fresh_database(servers) as database, ExitStack() as exits:
        yield World(servers, database, exits)
