"""Histories of tasks, written event by event, for pictures that no stack has to play first."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ID = "019ab3c0-0000-7000-8000-000000000001"


@dataclass
class Run:
    """One task's history so far; each method adds events and returns the run."""

    kind: str = "web_scrape"
    input: dict[str, Any] = field(
        default_factory=lambda: {"url": "http://127.0.0.1:8001/guide/", "max_pages": 20}
    )
    at: float = 0
    attempt: int = 0
    step: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def add(self, type: str, after: float = 0, **data: Any) -> "Run":
        self.at = round(self.at + after, 3)
        at = (START + timedelta(seconds=self.at)).isoformat().replace("+00:00", "Z")
        seq = len(self.events) + 1
        event = {"seq": seq, "type": type, "attempt": self.attempt, "at": at, "data": data}
        self.events.append(event)
        return self

    def submitted(self) -> "Run":
        return self.add("status", status="queued", reason="submitted")

    def claimed(self, after: float = 0.3, worker: str = "web@host-1") -> "Run":
        self.attempt += 1
        return self.add("status", after, status="running", reason="claimed", worker=worker)

    def steps(self, count: int, each: float = 1.5, total: int = 20) -> "Run":
        for _ in range(count):
            self.step += 1
            message = f"Page {self.step} of {total}"
            self.log(f"read /guide/page-{self.step}/ (200)", after=each)
            percent = 100 * self.step / total
            self.add("progress", step=self.step, percent=percent, message=message)
        return self

    def log(self, message: str, level: str = "info", after: float = 0) -> "Run":
        return self.add("log", after, level=level, message=message)

    def lost(self, after: float, reason: str = "lease_expired") -> "Run":
        return self.add("status", after, status="queued", reason=reason)

    def queued(self, reason: str, after: float = 0.1, **data: Any) -> "Run":
        return self.add("status", after, status="queued", reason=reason, **data)

    def end(self, status: str, after: float = 0.2, **data: Any) -> "Run":
        return self.add("end", after, status=status, **data)


def survived() -> Run:
    """A scrape whose first worker died after seven pages."""
    run = Run().submitted().claimed().steps(7)
    run.log("slow answer (2.1 s)", "warning", 0.8).lost(11.6, "worker_lost")
    return run.claimed(0.6, "web@host-2").steps(13).end("succeeded")


def recording(run: Run) -> dict[str, Any]:
    """A run as the widget's `recorded` file."""
    end = run.events[-1]
    task = {
        "id": ID,
        "task_id": ID,
        "kind": run.kind,
        "status": end["data"]["status"],
        "progress": {"percent": 100, "step": run.step},
        "attempt": run.attempt,
        "created": run.events[0]["at"],
        "finished": end["at"],
        "input": run.input,
        "links": {},
    }
    machine = "a machine that exists in tests only"
    recorded = {"date": "2026-11-24", "machine": machine, "versions": {"celery": "5.7.0"}}
    return {"recorded": recorded, "task": task, "events": run.events}
