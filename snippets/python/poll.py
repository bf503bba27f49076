"""Poll a monitor at the pace the server asks for; print the final monitor.

usage: python poll.py MONITOR     TOKEN: sent when it is set
"""

import os
import sys
import time

import httpx


# --8<-- [start:poll]
def poll(client: httpx.Client, monitor: str) -> httpx.Response:
    """Return the final monitor; wait between two looks as long as the server says."""
    failures = 0
    while True:
        try:
            answer = client.get(monitor)
            failures = failures + 1 if answer.status_code >= 500 else 0
        except httpx.TransportError:  # a look costs nothing: look again
            failures += 1
        if failures > 5:
            raise ConnectionError(f"no answer from {monitor}")
        if failures:
            time.sleep(2**failures / 2)
        elif "Retry-After" in answer.raise_for_status().headers:
            time.sleep(int(answer.headers["Retry-After"]))
        else:
            return answer


# --8<-- [end:poll]


def authorization() -> dict[str, str]:
    token = os.environ.get("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def main() -> None:
    with httpx.Client(headers=authorization()) as client:
        print(poll(client, sys.argv[1]).text)


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(refused.response.text)
