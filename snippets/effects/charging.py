"""A work with an effect outside: one charge a step, under a key that no attempt changes."""

import json
from collections.abc import Generator
from urllib.request import Request, urlopen

from demo.contract import Checkpoint, Done, RehearsalInput, Start, Tools, Yield


# --8<-- [start:charging]
def charging(
    asked: RehearsalInput, start: Start, tools: Tools, *, url: str
) -> Generator[Yield, None, None]:
    """Charge once a step. A crash before the checkpoint repeats the call, not the key."""
    for step in range(start.step + 1, asked.steps + 1):
        key = f"charge/{step}"
        receipt = charge(url, 10, tools.key(key))
        yield Checkpoint(step, None, effects={key: receipt})
    yield Done({"charges": asked.steps})


# --8<-- [end:charging]


def charge(url: str, amount: int, key: str) -> dict[str, int]:
    """One POST to the far side."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
    request = Request(url, json.dumps({"amount": amount}).encode(), headers)  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - the caller's own far side
        return dict(json.load(answer))
