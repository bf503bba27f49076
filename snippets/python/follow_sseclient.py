"""Follow a task with sseclient-py, which only parses; print each event once, as a line of JSON.

usage: python follow_sseclient.py MONITOR [LAST]     LAST: number of the last event already seen
TOKEN: sent when it is set
"""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
from sseclient import SSEClient

PATIENCE = httpx.Timeout(5, read=45)


# --8<-- [start:follow]
def follow(client: httpx.Client, monitor: str, last: str = "0") -> Iterator[Any]:
    """Yield the events after number `last`, each once, until the end."""
    pause = 1.0
    while True:
        headers = {"Last-Event-ID": last, "Accept": "text/event-stream"}
        try:
            with client.stream("GET", f"{monitor}/stream", headers=headers) as answer:
                if answer.status_code == 204:  # nothing comes after `last`, ever
                    return
                answer.raise_for_status()
                for event in SSEClient(answer.iter_bytes()).events():
                    last, pause = event.id, int(event.retry or pause * 1000) / 1000
                    yield event
                    if event.event == "end":
                        return
        except httpx.TransportError:
            pass  # it does not come back by itself
        except httpx.HTTPStatusError as refused:
            if refused.response.status_code < 500:
                raise
        time.sleep(pause)


# --8<-- [end:follow]


def main() -> None:
    token = os.environ.get("TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(headers=headers, timeout=PATIENCE) as client:
        for event in follow(client, *sys.argv[1:]):
            print(event.data, flush=True)


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(f"refused: {refused.response.status_code}")
