"""A rehearsal does what it is asked to, and nothing else."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demo.contract import (
    Checkpoint,
    Done,
    Log,
    PermanentFailure,
    RehearsalInput,
    Start,
    TransientFailure,
)
from demo.work.rehearsal import rehearsal
from tests.stack import ROOT

FRESH = Start()


class Clock:
    """The `Tools` of these tests: it only adds up."""

    slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def fetch(self, url: str) -> None:
        raise AssertionError(url)


def rehearse(start: Start = FRESH, clock: Clock | None = None, **asked: object) -> list:
    return list(rehearsal(RehearsalInput(**asked), start, clock or Clock()))


def test_each_step_is_a_checkpoint_with_one_effect():
    clock = Clock()
    news = rehearse(clock=clock, steps=4, step_seconds=0.5)
    assert [point.step for point in news[:-1]] == [1, 2, 3, 4]
    assert [list(point.effects) for point in news[:-1]] == [[f"step/{n}"] for n in (1, 2, 3, 4)]
    assert [point.percent for point in news[:-1]] == [25, 50, 75, 100]
    assert news[-1] == Done({"steps": 4, "attempt": 1})
    assert clock.slept == 2


def test_it_goes_on_after_the_last_checkpoint():
    news = rehearse(Start(3, {"done": 3}, attempt=2), steps=4)
    assert [type(item) for item in news] == [Checkpoint, Done]
    assert news[0].effects == {"step/4": {"attempt": 2}}
    assert news[-1].result == {"steps": 4, "attempt": 2}


def test_lines_and_padding_are_as_asked():
    news = rehearse(steps=2, log_lines=3, payload_bytes=100)
    assert sum(isinstance(item, Log) for item in news) == 6
    assert all(item.message.count(".") == 100 for item in news[:-1])


@pytest.mark.parametrize(
    ("failure", "kind"), [("permanent", PermanentFailure), ("transient", TransientFailure)]
)
def test_it_fails_at_the_step_it_was_asked_to(failure, kind):
    news: list = []
    with pytest.raises(kind):
        news.extend(rehearsal(RehearsalInput(fail_at=3, failure=failure), FRESH, Clock()))
    assert [point.step for point in news] == [1, 2]


ALONE = """
import sys
from demo.contract import RehearsalInput, Start
from demo.work.rehearsal import rehearsal

class Clock:
    def sleep(self, seconds):
        print("at work", flush=True)

list(rehearsal(RehearsalInput(steps=1, fail_at=1, failure=sys.argv[1]), Start(), Clock()))
"""


@contextmanager
def in_a_process(failure: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is about to fail; a fresh one: a fork of this one has its locks."""
    run = [sys.executable, "-c", ALONE, failure]
    with subprocess.Popen(run, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "at work\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_crash_kills_its_own_process():
    with in_a_process("crash") as process:
        assert process.wait(60) == -signal.SIGKILL


def test_a_hang_neither_ends_nor_fails():
    with in_a_process("hang") as process, pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
