"""Whose turn it is at a host, for all our processes together: pace, breaker, a tenant's hosts."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from demo.contract import TransientFailure
from demo.outbound.guard import Target
from demo.settings import Settings
from demo.store import hosts
from demo.store.engines import begin

Sleep = Callable[[float], None]
T = TypeVar("T")


class Turns:
    """Books requests and tells what came of them; each a short transaction of its own."""

    def __init__(self, source: Engine, knobs: Settings) -> None:
        self._source = source
        self._knobs = knobs

    def book(self, target: Target, delay: float, tenant: str, sleep: Sleep) -> tuple[float, bool]:
        """Seconds until the next turn, and whether it is a probe for all workers.

        Raises:
            TransientFailure: the host's breaker is open, or the tenant reads too many others.
        """
        return self._shared(sleep, lambda c: self._booked(c, target, delay, tenant))

    def failed(self, host: str, named: float | None, sleep: Sleep) -> str:
        """What a failure means for the breaker, in words."""
        return self._shared(sleep, lambda c: self._noted(c, host, named))

    def answered(self, host: str, sleep: Sleep) -> None:
        """The host answered: its breaker closes."""
        self._shared(sleep, lambda c: hosts.answered(c, host))

    def _booked(
        self, connection: Connection, target: Target, delay: float, tenant: str
    ) -> tuple[float, bool]:
        if not target.own:
            self._visit(connection, target.host, tenant)
        # a guest takes one page a second; the demo's own guide may be read at a livelier pace
        interval = self._knobs.guide_interval if target.own else self._knobs.host_interval
        interval = max(interval, delay)
        probe = interval + 2 * self._knobs.fetch_timeout
        wait = hosts.admit(connection, target.host, probe=probe)
        if wait:
            message = f"{target.host} failed too often just now; it is left alone for a while."
            raise TransientFailure("breaker_open", message, wait)
        return hosts.turn(connection, target.host, interval), wait is not None

    def _visit(self, connection: Connection, host: str, tenant: str) -> None:
        """Many hosts at one request a second each are many requests too."""
        most = self._knobs.tenant_hosts
        wait = hosts.visit(connection, tenant, host, most=most)
        if wait is not None:
            message = (
                f"{most} hosts were read within the hour, the most for a tenant; {host} waits."
            )
            raise TransientFailure("too_many_hosts", message, wait)

    def _noted(self, connection: Connection, host: str, named: float | None) -> str:
        """A host that names a time is left alone by everybody for just that long."""
        threshold = 1 if named else self._knobs.breaker_failures
        seconds = named or self._knobs.breaker_seconds
        failures = hosts.failed(connection, host, threshold=threshold, seconds=seconds)
        if named:
            return f"Breaker open: {host} asks all workers to wait {seconds:g} s."
        if failures < threshold:
            return f"{host} failed, {failures} of the {threshold} in a row that open its breaker."
        told = f"{host} failed {failures} times in a row, no worker asks it for {seconds:g} s."
        return f"Breaker open: {told}"

    def _shared(self, sleep: Sleep, use: Callable[[Connection], T]) -> T:
        """An outage of PostgreSQL is waited out."""
        while True:
            try:
                with begin(self._source) as connection:
                    return use(connection)
            except (OperationalError, InterfaceError, PoolTimeout):
                sleep(1)
