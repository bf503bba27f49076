"""`python -m demo up`: the whole stack in the foreground, and nothing of it afterwards."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import TypeVar

from demo.local.children import ROOT, Child, pause, say, signals
from demo.local.guide import Guide
from demo.local.obstacles import blamed_on, claimed, refuse_address
from demo.local.programs import ROLES, address, keys_of, login, programs, users_of
from demo.local.servers import Postgres, Valkey
from demo.settings import Settings, settings
from demo.store.migrate import migrate
from demo.wakeups import connect

Started = TypeVar("Started", bound=Child)


def main(*, guide: bool) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _asked)  # a program started with & from a script has SIGINT ignored
    knobs = settings()
    refuse_address(knobs)
    with suppress(KeyboardInterrupt), claimed(knobs.data.resolve()):
        supervisor = Supervisor(knobs)
        try:
            supervisor.start(guide=guide)
            supervisor.watch()
        finally:
            supervisor.stop()


def _asked(number: int, _: FrameType | None) -> None:
    signals.append(number)
    if len(signals) > 1:
        raise KeyboardInterrupt  # no more patience


class Supervisor:
    """Starts the parts in their order, watches them, stops them in their order."""

    def __init__(self, knobs: Settings) -> None:
        self._knobs = knobs
        self._data = knobs.data.resolve()
        self._children: dict[str, Child] = {}

    def start(self, *, guide: bool) -> None:
        """Servers, schema, programs, the guide; returns when the API answers."""
        began, knobs, keys = time.monotonic(), self._knobs, keys_of(self._data)
        owner_url = (
            knobs.database_url.get_secret_value()
            or self._started(Postgres(self._data, keys["owner"])).url()
        )
        redis_url = self._broker(keys)
        with blamed_on("DEMO_REDIS_URL"), connect(redis_url("api")) as client:
            client.ping()
        say("Bringing the database to the newest schema.")
        logins = [login(owner_url, role, keys[role]) for role in ("api", "worker")]
        with blamed_on("The embedded PostgreSQL, or yours by DEMO_DATABASE_URL"):
            migrate(owner_url, *logins)
        for program in programs(knobs, keys, redis_url, *logins):
            self._started(program)
        builder = self._children["guide"] = Guide(self._data, ROOT / knobs.site)
        remark = builder.begin() if guide else ""
        say(f"\nReady in {time.monotonic() - began:.1f} s. Ctrl-C stops everything.\n")
        say(f"  Tasks     {address(knobs)}/")
        say(f"  Guide     {address(knobs)}/guide/{remark}")
        say(f"  API docs  {address(knobs)}/docs")
        say(f"  Logs      {self._data / 'logs'}\n")

    def watch(self) -> None:
        """Keep all parts running until interrupted."""
        while True:
            pause(0.1)
            for child in self._children.values():
                child.check()

    # --8<-- [start:stop-order]
    def stop(self) -> None:
        """API and worker first, while dispatcher, database and broker still serve them."""
        say("Stopping: running tasks are handed back. Ctrl-C again does not wait.")
        serving = [name for name in self._children if name.startswith(("API", "worker"))]
        for names in (["guide", *serving], ["dispatcher"], ["Valkey", "PostgreSQL"]):
            going = [self._children[name] for name in names if name in self._children]
            for child in going:
                child.ask()
            for child in going:
                child.see_off()

    # --8<-- [end:stop-order]

    def _broker(self, keys: Mapping[str, str]) -> Callable[[str], str]:
        """Where each role finds the broker."""
        knobs = self._knobs
        if "redis_url" in knobs.model_fields_set:
            own = {role: getattr(knobs, f"{role}_redis_url") for role in ROLES}
            return lambda role: (own[role] or knobs.redis_url).get_secret_value()
        return self._started(Valkey(self._data, keys["valkey"], users_of(keys))).url_of

    def _started(self, child: Started) -> Started:
        say(f"Starting {child.name}.")
        self._children[child.name] = child
        child.start()
        return child
