"""Ask for a task to be canceled; print its monitor as it is then: it may have ended before.

usage: python cancel.py MONITOR     TOKEN: sent when it is set
"""

import os
import sys
import time

import httpx

PAUSES = (1, 2, 4, 8)


# --8<-- [start:cancel]
def cancel(client: httpx.Client, monitor: str) -> httpx.Response:
    """Return the monitor after the request to cancel, which may be repeated."""
    answer = _sent(client, "POST", f"{monitor}/cancel")
    if answer.status_code != 409:  # 409: it is final already
        answer.raise_for_status()
    return _sent(client, "GET", monitor).raise_for_status()


def _sent(client: httpx.Client, method: str, url: str) -> httpx.Response:
    for pause in PAUSES:
        try:
            answer = client.request(method, url)
            if answer.status_code < 500:
                return answer
        except httpx.TransportError:  # it may have been carried out: asking twice is no harm
            pass
        time.sleep(pause)
    return client.request(method, url)


# --8<-- [end:cancel]


def authorization() -> dict[str, str]:
    token = os.environ.get("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def main() -> None:
    with httpx.Client(headers=authorization()) as client:
        print(cancel(client, sys.argv[1]).text)


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(refused.response.text)
