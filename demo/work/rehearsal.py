"""A tunable stand-in for drills, load and client tests."""

import os
import signal
import threading
from collections.abc import Generator

from demo.contract import (
    Checkpoint,
    Done,
    Log,
    PermanentFailure,
    RehearsalInput,
    Start,
    Tools,
    TransientFailure,
    Yield,
)


# --8<-- [start:rehearsal]
def rehearsal(asked: RehearsalInput, start: Start, tools: Tools) -> Generator[Yield, None, None]:
    """Take `steps` checkpoints, each with one effect, so that an audit can count them."""
    padding = "." * asked.payload_bytes
    for step in range(start.step + 1, asked.steps + 1):
        tools.sleep(asked.step_seconds)
        if step == asked.fail_at:
            _fail(asked.failure, step)
        for line in range(1, asked.log_lines + 1):
            yield Log(f"Step {step}, line {line}{padding}")
        message = f"Step {step} of {asked.steps}{padding}"
        effects = {f"step/{step}": {"attempt": start.attempt}}
        yield Checkpoint(step, {"done": step}, 100 * step / asked.steps, message, effects)
    yield Done({"steps": asked.steps, "attempt": start.attempt})


# --8<-- [end:rehearsal]


def _fail(failure: str, step: int) -> None:
    message = f"Step {step} failed, as it was asked to."
    match failure:
        case "permanent":
            raise PermanentFailure("rehearsed", message)
        case "transient":
            raise TransientFailure("rehearsed", message)
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            threading.Event().wait()
