"""The stack's own programs: each a command with its environment, its keys and its role."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from sqlalchemy import make_url

from demo.local.children import Child
from demo.local.servers import new_password
from demo.settings import Settings

CELERY = ["celery", "-A", "demo.broker", "worker", "-l", "INFO"]
CELERY += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
ROLES = ("api", "dispatcher", "worker")
KEYS = ("owner", "api", "worker", "valkey", "wakeup", "session", *map("valkey_{}".format, ROLES))
LOGINS = ("DATABASE_URL", "REDIS_URL")  # no program gets another one's
WITHOUT_PROXY = build_opener(ProxyHandler({}))


def keys_of(data: Path) -> dict[str, str]:
    """A data folder's passwords and keys: generated once, readable by its owner only."""
    path = data / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if new := {name: new_password() for name in KEYS if name not in known}:
        half = path.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(json.dumps(known | new))
        half.replace(path)
    return known | new


def users_of(keys: Mapping[str, str]) -> dict[str, str]:
    """Each role's password at the broker."""
    return {role: keys[f"valkey_{role}"] for role in ROLES}


def login(owner_url: str, role: str, password: str) -> str:
    """The owner's database by another role."""
    url = make_url(owner_url).set(username=f"lro_{role}", password=password)
    return url.render_as_string(hide_password=False)


def address(knobs: Settings) -> str:
    """Where a browser on this machine finds the API."""
    host = "127.0.0.1" if knobs.host in ("0.0.0.0", "::", "localhost") else knobs.host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{knobs.port}"


class Api(Child):
    """Up when it answers and reaches its database."""

    address = ""

    def answers(self) -> bool:
        try:
            WITHOUT_PROXY.open(f"{self.address}/readyz", timeout=2).close()
        except OSError:
            return False
        return True


def programs(
    knobs: Settings,
    keys: Mapping[str, str],
    redis_url: Callable[[str], str],
    api_url: str,
    worker_url: str,
) -> list[Child]:
    """Dispatcher, workers and API, in the order of their start."""
    data, python = knobs.data.resolve(), (sys.executable, "-m")
    shared = {
        **{name: value for name, value in os.environ.items() if not name.endswith(LOGINS)},
        "DEMO_WAKEUP_KEY": keys["wakeup"],
        "DEMO_GUIDE_URL": f"{address(knobs)}/guide/",
        # as root Celery says so at length; what it fears are pickles, which it refuses here
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }

    def own(role: str, database_url: str) -> dict[str, str]:
        return {**shared, "DEMO_DATABASE_URL": database_url, "DEMO_REDIS_URL": redis_url(role)}

    run = (*python, "demo", "dispatcher")
    dispatcher = Child("dispatcher", data, run, own("dispatcher", worker_url))

    def worker(name: str, slots: int, *queues: str) -> Child:
        # the same name at each start: by it a new worker frees what its predecessor held
        options = ("-n", f"{name}@local", "--concurrency", str(slots), *queues)
        child = Child(name, data, (*python, *CELERY, *options), own("worker", worker_url))
        child.grace = knobs.release_grace + 5
        return child

    # --8<-- [start:reserved]
    workers = [worker("worker", knobs.concurrency)]
    for queue, slots in knobs.reserved.items():
        workers.append(worker(f"worker-{queue}", slots, "-Q", queue))
    # --8<-- [end:reserved]
    as_api = {**own("api", api_url), "DEMO_SESSION_KEY": keys["session"]}
    names = ("API", *(f"API-{number}" for number in range(2, knobs.processes + 1)))
    apis = [Api(name, data, (*python, "demo", "api"), as_api) for name in names]
    for api in apis:
        api.address = address(knobs)
    return [dispatcher, *workers, *apis]
