"""A child process that never outlives its starter and is started again when it dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUARD = Path(__file__).with_name("guard.py")
STARTING = 60.0
FIRST_PAUSE, LAST_PAUSE, HEALTHY = 0.2, 10.0, 30.0
say = partial(print, flush=True)
signals: list[int] = []


def pause(seconds: float) -> None:
    """Sleep; here, where no child is half started, a signal ends what is under way."""
    time.sleep(seconds)
    if signals:
        raise KeyboardInterrupt


class NotStarted(SystemExit):
    """A sentence that says what did not start and why; who does not catch it ends with it."""


class Child:
    """One program with its log and its pid file below a data folder."""

    folder = ROOT
    ending = signal.SIGTERM
    grace = 20.0
    retrying = 5.0
    user: tuple[int, int] | None = None
    pid = 0
    _guard: "subprocess.Popen[str] | None" = None
    _began = _due = 0.0
    _pause = FIRST_PAUSE

    def __init__(
        self,
        name: str,
        data: Path,
        command: Sequence[str | Path] = (),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.name = name
        self.data = data
        self.log = data / "logs" / f"{name.lower()}.log"
        self._pid_file = data / "pids" / name.lower()
        self._command = command
        self._environment = environment

    def prepared(self) -> Sequence[str | Path]:
        """The command, with all that it needs in place."""
        return self._command

    def answers(self) -> bool:
        """Whether the running program is of use yet."""
        return True

    @property
    def alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        code = self._guard.returncode if self._guard else 0
        return f"signal {code - 128}" if code > 128 else f"exit code {code}"

    @property
    def last_word(self) -> str:
        """How its log ends."""
        lines = self.log.read_text().strip().splitlines() or ["nothing"]
        return f"{self.log} ends with: {lines[-1]}"

    def start(self) -> None:
        """Start, or start again; returns when it answers."""
        began = time.monotonic()
        while time.monotonic() < began + self.retrying:
            self._launch()
            while self.alive and time.monotonic() < began + STARTING:
                if self.pid and self.answers():
                    return
                pause(0.02)
            self.kill()
            pause(0.1)  # what the one before left behind may not be quite gone
        raise NotStarted(f"{self.name} did not start. {self.last_word}")

    def check(self) -> None:
        """Start it again when it has died, later each time it dies young."""
        if self.alive:
            return
        now = time.monotonic()
        if not self._due:
            self.kill()
            young = now < self._began + HEALTHY
            self._pause = min(self._pause * 2, LAST_PAUSE) if young else FIRST_PAUSE
            self._due = now + self._pause
            say(f"The {self.name} ended ({self.ended}); it is started again.")
        elif now >= self._due:
            self._launch()  # without waiting: it may need another that has to be started again

    def ask(self) -> None:
        """Ask it to end: its guard sends `ending`, and kills it after the grace."""
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()

    def see_off(self) -> None:
        """Wait until it has ended; not so long when Ctrl-C is pressed again."""
        with suppress(KeyboardInterrupt):
            if self._guard:
                self._guard.wait()
        self.kill()
        self._pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it as its makers mean it to end."""
        self.ask()
        self.see_off()

    def kill(self) -> None:
        """End it and all of its group now, also when the guard itself was killed."""
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.pid = 0
        self.ask()
        if self._guard:
            self._guard.wait()

    def _launch(self) -> None:
        self._began, self._due = time.monotonic(), 0.0
        command = self.prepared()
        for file in (self.log, self._pid_file):
            file.parent.mkdir(mode=0o700, exist_ok=True)
        user = ":".join(map(str, self.user or ()))
        with self.log.open("a") as output:
            self._guard = subprocess.Popen(
                # isolated and without site: the guard starts in 15 ms and loads nobody's code
                [sys.executable, "-IS", GUARD, f"{self.ending:d}", str(self.grace), user, *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
                cwd=self.folder, env=dict(self._environment), start_new_session=True,
            )  # fmt: skip
        assert self._guard.stdout
        with self._guard.stdout as said:
            self.pid = int(said.readline() or 0)
        if not self.pid:
            return
        half = self._pid_file.with_suffix(".new")
        half.write_text(f"{self.pid}\n")
        half.replace(self._pid_file)
