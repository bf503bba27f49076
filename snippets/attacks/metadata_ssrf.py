"""Ask a worker to fetch what only the inside reaches: cloud metadata, the host, the database.

python snippets/attacks/metadata_ssrf.py http://127.0.0.1:8001
"""

import sys
import time
from collections.abc import Iterator

import httpx

# --8<-- [start:targets]
TARGETS = (
    "http://169.254.169.254/metadata/instance?api-version=2021-02-01",  # Azure's metadata
    "http://168.63.129.16/machine/?comp=goalstate",  # Azure's host agent: a public address
    "http://2852039166/metadata/instance",  # 169.254.169.254 as one number
    "http://0xa9.0xfe.0xa9.0xfe/",  # and in hexadecimal
    "http://[::ffff:169.254.169.254]/",  # and inside an IPv6 address
    "http://localhost:5432/",
    "http://127.0.0.1/",
    "http://user@127.0.0.1/",
    "http://10.0.0.1/",
)


def attack(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Each target with what stopped it."""
    for url in TARGETS:
        task = {"kind": "web_scrape", "input": {"url": url, "max_pages": 1}}
        answer = client.post("/tasks", json=task)
        if answer.status_code != 202:
            yield url, f"{answer.status_code} {answer.json()['title']}"
            continue
        while (monitor := client.get(answer.headers["Operation-Location"]).json())["status"] in {
            "queued",
            "running",
        }:
            time.sleep(0.2)
        error = monitor["error"] or {"code": "NOTHING: it was fetched"}
        yield url, f"task {monitor['status']}: {error['code']}"


# --8<-- [end:targets]
if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client):
            print(f"{stopped_by:32} {tried}")
