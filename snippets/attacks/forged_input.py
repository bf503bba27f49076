"""Set fields that are not yours, and follow a stream from a position that cannot be.

python snippets/attacks/forged_input.py http://127.0.0.1:8001
"""

import sys
from collections.abc import Iterator
from typing import Any

import httpx

# --8<-- [start:forged]
FIELDS: tuple[dict[str, Any], ...] = (
    {"tenant": "another"},
    {"status": "succeeded", "result": {"paid": True}},
    {"attempt": 99, "crashes": -1},
    {"id": "00000000-0000-7000-8000-000000000000"},
    {"input": {"steps": 1, "lease": 86400}},
)
POSITIONS = ("-1", "1 OR 1=1", "0x10", "9" * 40, "1, 2", "NaN")


def attack(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Each forgery with what stopped it."""
    for more in FIELDS:
        answer = client.post("/tasks", json={"kind": "rehearsal", "input": {"steps": 1}} | more)
        yield f"a task with {', '.join(more)}", told(answer)
    path = "/tasks/00000000-0000-7000-8000-000000000000/stream"
    for position in POSITIONS:
        answer = client.get(path, headers={"Last-Event-ID": position})
        yield f"a stream from {position[:12]}", told(answer)


# --8<-- [end:forged]


def told(answer: httpx.Response) -> str:
    """What the API said, or that it took it."""
    refused = "problem" in answer.headers["Content-Type"]
    return f"{answer.status_code} {answer.json()['title'] if refused else 'NOTHING: it was taken'}"


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client):
            print(f"{tried:34} {stopped_by}")
