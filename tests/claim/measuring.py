"""One upload and its profile on a running stack, with the memory that API and worker had."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.stack import Stack, eventually

MB = 1_000_000


@dataclass
class Peaks:
    """The largest resident memory of each part in MB, while it was looked at."""

    api: float = 0.0
    worker: float = 0.0


@dataclass
class Memory:
    """Looks at API and pool children every few milliseconds."""

    stack: Stack
    peaks: Peaks = field(default_factory=Peaks)

    @contextmanager
    def watched(self) -> Iterator[Peaks]:
        self.peaks = Peaks()
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), daemon=True)
        thread.start()
        try:
            yield self.peaks
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            peaks, children = self.peaks, self._sizes(self.stack.pool_children)
            peaks.worker = max(peaks.worker, *children, 0)
            api = self._sizes(lambda: [psutil.Process(self.stack.pid("api"))])
            peaks.api = max(peaks.api, *api, 0)

    def _sizes(self, find: Callable[[], list[psutil.Process]]) -> list[float]:
        try:
            return [process.memory_info().rss / MB for process in find()]
        except (psutil.NoSuchProcess, FileNotFoundError):
            return []  # killed on purpose, and soon there again


def uploaded(client: httpx.Client, path: Path) -> str:
    """A file as an upload; its id."""
    slot = client.post("/uploads", json={"size": path.stat().st_size}).raise_for_status().json()
    how = slot["transfer"]
    with path.open("rb") as file:
        put = client.put(how["url"], content=file, headers=how["headers"], timeout=600)
    put.raise_for_status()
    done = client.post(f"/uploads/{slot['id']}/complete").raise_for_status().json()
    assert done["status"] == "complete"
    return str(done["id"])


def profile(stack: Stack, upload: str, *, within: float, kill: bool = False) -> dict[str, Any]:
    """Submit and wait; with `kill`, the worker dies once in the middle of the second pass."""
    task = stack.submit("dataset_profile", upload=upload)
    if kill:
        stack.until(task, "running", step=_middle(stack, upload), within=within)
        stack.kill("worker")
    ended = stack.ended(task, within=within)
    assert ended["status"] == "succeeded", ended
    return ended


def _middle(stack: Stack, upload: str) -> int:
    size = stack.client.get(f"/uploads/{upload}").json()["size"]
    return 3 * int(size // (64 << 20)) // 2 + 1


def report(stack: Stack, task: dict[str, Any]) -> dict[str, Any]:
    """The report of a finished profile."""
    return dict(stack.client.get(task["result"]["report"]["href"]).raise_for_status().json())


def measured(stack: Stack, path: Path, *, within: float, kill: bool = False) -> tuple[Any, Peaks]:
    """Upload and profile a file; the ended task, and the memory it took."""
    with Memory(stack).watched() as peaks:
        upload = uploaded(stack.client, path)
        ended = profile(stack, upload, within=within, kill=kill)
    return ended, peaks


def warmed(stack: Stack, path: Path) -> None:
    """Every part has worked once, and is as large as it is without any load."""
    eventually(lambda: stack.pool_children(), what="no worker")
    measured(stack, path, within=300)
