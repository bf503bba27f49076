"""A plain Celery worker with its pool, as real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "snippets.experiments.app", "worker"]


class Worker:
    """The leader of a process group, so that it can be lost as a whole."""

    def __init__(self, name: str, slots: int, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        options = ["--concurrency", str(slots), "--hostname", f"{name}@bench", "--loglevel", "INFO"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - Celery, from this environment
                CELERY + options,
                cwd=ROOT,
                env={**inherited, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def ready(self) -> bool:
        """It consumes."""
        return " ready." in self.log.read_text()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, number: signal.Signals) -> None:
        """Send a signal to the parent only."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Parent and children at once, as the loss of a machine does."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
