"""Stacks that are broken on purpose: a check that never fails proves nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stack import ROOT


@dataclass(frozen=True)
class Mutant:
    """Lines to replace, and the faults under which it shows."""

    says: str
    edits: tuple[tuple[str, str, str], ...]
    faults: tuple[str, ...]
    rate: float = 1
    step_seconds: tuple[float, float] = (0.1, 0.6)


ATTEMPTS = "demo/store/attempts.py"
SUBMITTING = "demo/store/submitting.py"
DISPATCHING = "demo/store/dispatching.py"
MUTANTS = {
    "no-fencing": Mutant(
        "writes carry no attempt number",
        ((ATTEMPTS, 'MINE = "id = :id AND attempt = :attempt"',
          'MINE = "id = :id AND :attempt > 0"'),),
        ("zombie",),
        # a zombie shows when it wakes while its successor is at the same step
        rate=0.4,
        step_seconds=(1, 2),
    ),
    "blind-claim": Mutant(
        "a claim takes what runs already",
        ((ATTEMPTS, "id = :id AND status = 'queued' AND attempt = :attempt",
          "id = :id AND status IN ('queued', 'running') AND :attempt >= 0"),),
        ("worker", "valkey", "dispatcher"),
    ),
    "sent-once": Mutant(
        "a hint is sent once, and nobody asks what the broker remembers",
        ((DISPATCHING, "secs => least(:last, :first * 2 ^ least(dispatches, 10))",
          "secs => 86400 + :last + :first"),
         (DISPATCHING, "return broker is None or broker.epoch != self.epoch"
          " or broker.counter < self.counter", "return False")),
        ("valkey", "worker"),
    ),
    "cursor-off-by-one": Mutant(
        "a stream resumes one event too late",
        (("demo/api/streams.py", "{id: min(have, now[id].after) for",
          "{id: min(have and have + 1, now[id].after) for"),),
        ("streams", "api"),
    ),
    "early-wakeup": Mutant(
        "events are published before their COMMIT, which takes a while",
        (("demo/worker/attempt.py", "                        row = write(connection, events)\n",
          "                        row = write(connection, events)\n"
          "                        self._publisher.publish(row)\n"
          "                        time.sleep(0.2)\n"),),
        ("backend", "postgres", "child"),
    ),
    "lazy-commit": Mutant(
        "PostgreSQL answers a COMMIT before it is written",
        (("demo/store/engines.py", '    "timezone": "UTC",\n',
          '    "timezone": "UTC",\n    "synchronous_commit": "off",\n'),),
        ("postgres", "streams"),
    ),
    "deaf-checkpoint": Mutant(
        "a checkpoint does not see that the task is to be canceled",
        ((ATTEMPTS, "{MINE} AND status = 'running' AND step < :step",
          "{MINE} AND status IN ('running', 'canceling') AND step < :step"),),
        ("child", "streams"),
    ),
    "forgotten-key": Mutant(
        "an Idempotency-Key is not kept",
        ((SUBMITTING, "FROM asked WHERE key IS NOT NULL", "FROM asked WHERE false"),
         (SUBMITTING, "WHERE key IS NULL OR task_id IS NOT NULL", "")),
        ("api", "postgres"),
    ),
}  # fmt: skip


@contextmanager
def tree(mutant: Mutant) -> Iterator[Path]:
    """A copy of the stack's sources with the mutant's lines.

    Raises:
        ValueError: the sources have changed and the mutant does not fit them any more.
    """
    with TemporaryDirectory(prefix="lro-mutant-") as folder:
        shutil.copytree(ROOT / "demo", Path(folder) / "demo")
        Path(folder).chmod(0o755)
        for name, old, new in mutant.edits:
            path = Path(folder) / name
            source = path.read_text()
            if source.count(old) != 1:
                raise ValueError(f"{name} has {source.count(old)} times: {old}")
            path.write_text(source.replace(old, new))
        yield Path(folder)
