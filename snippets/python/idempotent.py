"""Submit a task under a key of your own, as often as you like: one key, one task.

Prints whether it was submitted now or replayed, and the address of its monitor.
usage: python idempotent.py KEY [JSON]
DEMO_URL: where the API listens     TOKEN: sent when it is set
"""

import json
import os
import sys
import time
from typing import Any

import httpx

API = os.environ.get("DEMO_URL", "http://127.0.0.1:8001")
TASK = {"kind": "web_scrape", "input": {"url": f"{API}/guide/", "max_pages": 10}}
PAUSES = (1, 2, 4, 8)


# --8<-- [start:idempotent]
def idempotent(client: httpx.Client, key: str, task: dict[str, Any]) -> tuple[str, bool]:
    """Return the monitor's address, and whether the task was there already."""
    for pause in (*PAUSES, None):
        try:
            answer = client.post(f"{API}/tasks", json=task, headers={"Idempotency-Key": f'"{key}"'})
            if answer.status_code < 500:
                break
        except httpx.TransportError:  # whether it was carried out, the next try finds out
            if pause is None:
                raise
        time.sleep(pause or 0)
    told = answer.raise_for_status().headers  # 422: the key stands for another task
    return told["Operation-Location"], told.get("Idempotent-Replayed") == "true"


# --8<-- [end:idempotent]


def authorization() -> dict[str, str]:
    token = os.environ.get("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def main() -> None:
    key, *task = sys.argv[1:]
    with httpx.Client(headers=authorization()) as client:
        monitor, replayed = idempotent(client, key, json.loads(task[0]) if task else TASK)
        print("replayed" if replayed else "submitted", monitor)


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(refused.response.text)
