"""The nemesis: a fault every few seconds, each kind once before any comes twice."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from demo.store.engines import begin, engine
from tests.stack import Stack, eventually

FROZEN_BROKER = 3.0
BACKENDS = text("""
    SELECT pid FROM pg_stat_activity WHERE usename IN ('lro_api', 'lro_worker') ORDER BY pid""")
END = text("SELECT pg_terminate_backend(:pid)")
MISSED = (OSError, ValueError, IndexError, psutil.Error, SQLAlchemyError)


class Nemesis(threading.Thread):
    """Breaks the stack until it is told to heal; what it does follows from its seed."""

    def __init__(
        self,
        stack: Stack,
        rng: Random,
        kinds: tuple[str, ...],
        *,
        pause: tuple[float, float],
        lease: float,
        cut: Callable[[], None],
    ) -> None:
        super().__init__(name="nemesis", daemon=True)
        self.log: list[tuple[float, str]] = []
        self.broken: BaseException | None = None
        self.stack, self._rng, self._kinds = stack, rng, kinds
        self._pause, self._lease, self.cut = pause, lease, cut
        self._began = time.monotonic()
        self._over = threading.Event()
        self._frozen: dict[psutil.Process, threading.Timer] = {}

    @property
    def counts(self) -> Counter[str]:
        """How many faults of each kind took place."""
        return Counter(kind for _, kind in self.log)

    def has_done(self, faults: int) -> bool:
        """So many faults took place, or none will any more."""
        return len(self.log) >= faults or not self.is_alive()

    def run(self) -> None:
        """Draw faults; one that found nothing to break is drawn again and not counted."""
        bag: list[str] = []
        try:
            while not self._over.wait(self._rng.uniform(*self._pause)):
                bag = bag or self._rng.sample(self._kinds, len(self._kinds))
                kind, began = bag.pop(), time.monotonic()
                try:
                    FAULTS[kind](self)
                except MISSED:
                    continue
                self.log.append((round(began - self._began, 1), kind))
        except BaseException as error:  # told by `heal`, in the main thread
            self.broken = error

    def heal(self) -> None:
        """Let no more happen, and wait until all parts are back."""
        self._over.set()
        self.join()
        for process, timer in list(self._frozen.items()):
            timer.cancel()
            self._thaw(process)
        if self.broken:
            raise self.broken
        eventually(self._all_up, within=120, what="the stack did not come back")

    def _all_up(self) -> bool:
        try:
            parts = [self.stack.pid(part) for part in ("api", "dispatcher", "worker")]
            ready = self.stack.client.get("/readyz").status_code == 200
        except Exception:
            return False
        return ready and all(psutil.pid_exists(pid) for pid in parts)

    def _zombie(self) -> None:
        """Frozen past its lease, then back, sure that the task is still its own."""
        self._freeze(self._drawn_child(), self._lease * self._rng.uniform(1.2, 2))

    def _valkey(self) -> None:
        self.stack.valkey.kill()
        time.sleep(self._rng.uniform(0.2, 2))
        self.stack.valkey.start(forget=True)

    def _frozen_valkey(self) -> None:
        self._freeze(psutil.Process(self.stack.valkey.pid), FROZEN_BROKER)
        time.sleep(FROZEN_BROKER)  # before anything else happens to it

    def _postgres(self) -> None:
        self.stack.postgres.kill()
        time.sleep(self._rng.uniform(0.2, 2))
        self.stack.postgres.start()

    def _backend(self) -> None:
        source = engine(self.stack.postgres.url(), pool_size=1)
        with begin(source) as connection:
            pids = [row.pid for row in connection.execute(BACKENDS)]
            connection.execute(END, {"pid": self._rng.choice(pids)})
        source.dispose()

    def _drawn_child(self) -> psutil.Process:
        return self._rng.choice(self.stack.pool_children())

    def _freeze(self, process: psutil.Process, seconds: float) -> None:
        os.kill(process.pid, signal.SIGSTOP)
        timer = threading.Timer(seconds, self._thaw, (process,))
        timer.daemon = True
        self._frozen[process] = timer
        timer.start()

    def _thaw(self, process: psutil.Process) -> None:
        self._frozen.pop(process, None)
        try:
            process.resume()
        except psutil.Error:  # something else has killed it meanwhile
            return


FAULTS: dict[str, Callable[[Nemesis], None]] = {
    "child": lambda nemesis: nemesis._drawn_child().kill(),
    "worker": lambda nemesis: nemesis.stack.kill("worker"),
    "deploy": lambda nemesis: nemesis.stack.terminate("worker"),
    "zombie": Nemesis._zombie,
    "api": lambda nemesis: nemesis.stack.kill("api"),
    "dispatcher": lambda nemesis: nemesis.stack.kill("dispatcher"),
    "valkey": Nemesis._valkey,
    "frozen-valkey": Nemesis._frozen_valkey,
    "postgres": Nemesis._postgres,
    "backend": Nemesis._backend,
    "streams": lambda nemesis: nemesis.cut(),
}
