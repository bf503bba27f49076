"""Follow a task to its end, over cut connections; print each event once, as a line of JSON.

usage: python follow.py MONITOR [LAST]     LAST: number of the last event already seen
TOKEN: sent when it is set
"""

import os
import sys
import time
from collections.abc import Iterator

import httpx
from httpx_sse import ServerSentEvent, connect_sse

# the server sends a comment every 15 s: three of them missing mean that nobody is there
PATIENCE = httpx.Timeout(5, read=45)
BUSY = 429  # or any 5xx: the stream is refused for now


# --8<-- [start:follow]
def follow(client: httpx.Client, monitor: str, last: str = "0") -> Iterator[ServerSentEvent]:
    """Yield the events after number `last`, each once, until the end."""
    pause = 1.0
    while True:
        headers, later = {"Last-Event-ID": last}, 0
        try:
            with connect_sse(client, "GET", f"{monitor}/stream", headers=headers) as source:
                if source.response.status_code == 204:  # nothing comes after `last`, ever
                    return
                source.response.raise_for_status()
                for event in source.iter_sse():
                    last, pause = event.id, (event.retry or pause * 1000) / 1000
                    yield event
                    if event.event == "end":
                        return
        except httpx.TransportError:
            pass  # cut in mid-air: the log is on the server, `last` says where to go on
        except httpx.HTTPStatusError as refused:
            if refused.response.status_code < 500 and refused.response.status_code != BUSY:
                raise
            later = int(refused.response.headers.get("Retry-After", 0))
        time.sleep(max(pause, later))


# --8<-- [end:follow]


def authorization() -> dict[str, str]:
    token = os.environ.get("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def main() -> None:
    monitor, *last = sys.argv[1:]
    with httpx.Client(headers=authorization(), timeout=PATIENCE) as client:
        for event in follow(client, monitor, *last):
            print(event.data, flush=True)


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(f"refused: {refused.response.status_code}")
