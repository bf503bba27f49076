"""Send more than anybody needs: large, endless, deep, compressed.

python snippets/attacks/oversize.py http://127.0.0.1:8001
"""

import gzip
import sys
from collections.abc import Iterator
from itertools import repeat

import httpx

HUGE = b'{"kind": "rehearsal", "input": {"padding": "' + b"x" * 1_000_000 + b'"}}'

# --8<-- [start:bodies]
BODIES = (
    ("a megabyte", HUGE, {}),
    ("an endless body without a length", repeat(b"x" * 1024, 1_000_000), {}),
    ("60,000 brackets deep", b"[" * 60_000, {}),
    ("a number without end", b'{"kind": "rehearsal", "input": {"steps": 1e999999}}', {}),
    ("a compressed megabyte", gzip.compress(HUGE), {"Content-Encoding": "gzip"}),
)
# --8<-- [end:bodies]


def attack(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Each body with what stopped it."""
    for says, body, more in BODIES:
        headers = {"Content-Type": "application/json", **more}
        answer = client.post("/tasks", content=body, headers=headers)
        yield says, f"{answer.status_code} {answer.json().get('title', 'NOTHING: it was read')}"


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client):
            print(f"{tried:34} {stopped_by}")
