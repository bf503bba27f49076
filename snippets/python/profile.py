"""Upload a CSV, go on after a cut, submit its profile; print the address of the monitor.

usage: python profile.py FILE     DEMO_URL: where the API listens     TOKEN: sent when it is set
"""

import hashlib
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

API = os.environ.get("DEMO_URL", "http://127.0.0.1:8001")
PIECE = 1 << 20
PAUSES = (1, 2, 4, 8, None)


# --8<-- [start:upload]
def upload(client: httpx.Client, path: Path) -> str:
    """Return the id of a complete upload. After a cut it goes on where the server says."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    asked = client.post(f"{API}/uploads", json={"size": size, "sha256": digest})
    slot = asked.raise_for_status().json()
    here = f"{API}/uploads/{slot['id']}"
    for pause in PAUSES:
        try:
            slot = client.get(here).raise_for_status().json()
            if slot["status"] == "complete" or _sent(client, path, slot):
                break
        except httpx.TransportError:
            if pause is None:
                raise
            time.sleep(pause)
    client.post(f"{here}/complete").raise_for_status()
    return str(slot["id"])


def _sent(client: httpx.Client, path: Path, slot: dict[str, Any]) -> bool:
    how, first, size = slot["transfer"], slot["received"], slot["size"]
    headers = {**how["headers"], "Content-Length": str(size - first)}
    if how["resumable"] and first:
        headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
    # a signed URL needs no token and must not get one
    sender = client if how["url"].startswith(API) else httpx.Client(timeout=60)
    answer = sender.put(how["url"], content=_pieces(path, first), headers=headers)
    if answer.status_code != 409:  # 409: somebody still sends; ask again where to go on
        answer.raise_for_status()
    return answer.is_success


def _pieces(path: Path, first: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while piece := file.read(PIECE):
            yield piece


# --8<-- [end:upload]


def main() -> None:
    token = os.environ.get("TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(headers=headers, timeout=60) as client:
        task = {
            "kind": "dataset_profile",
            "input": {"upload": upload(client, Path(sys.argv[1]))},
        }
        key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        answer = client.post(f"{API}/tasks", json=task, headers=key).raise_for_status()
        print(answer.headers["Operation-Location"])


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPStatusError as refused:
        sys.exit(refused.response.text)
