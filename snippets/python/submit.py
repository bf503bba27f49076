"""Submit a task; print the address of its monitor.

usage: python submit.py [JSON]     DEMO_URL: where the API listens     TOKEN: sent when it is set
"""

import json
import os
import sys
import time
import uuid
from typing import Any

import httpx

API = os.environ.get("DEMO_URL", "http://127.0.0.1:8001")
TASK = {"kind": "web_scrape", "input": {"url": f"{API}/guide/", "max_pages": 10}}
PAUSES = (1, 2, 4, 8)


# --8<-- [start:submit]
def submit(client: httpx.Client, task: dict[str, Any]) -> str:
    """Return the monitor's address. Every try carries the same key: one intent, one task."""
    headers = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    for pause in (*PAUSES, None):
        try:
            answer = client.post(f"{API}/tasks", json=task, headers=headers)
            if answer.status_code < 500:
                break
        except httpx.TransportError:  # it may have been accepted; the key finds out
            if pause is None:
                raise
        time.sleep(pause or 0)
    return str(answer.raise_for_status().headers["Operation-Location"])


# --8<-- [end:submit]


def authorization() -> dict[str, str]:
    token = os.environ.get("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def main() -> None:
    task = json.loads(sys.argv[1]) if sys.argv[1:] else TASK
    with httpx.Client(headers=authorization()) as client:
        print(submit(client, task))


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(refused.response.text)
