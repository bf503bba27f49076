"""A long-running API in memory that keeps every rule of the kit, in words and paths of its own.

A task's status follows from the clock: no worker, so that what is seen is the contract alone. The
clock starts when the task is first asked for: on a busy machine, too, somebody sees it wait.
"""

import asyncio
import hashlib
import json
import math
import re
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = re.compile(r'"[!-~]+"|[!#-~]+')
FINAL = {"Succeeded", "Failed", "Canceled"}
NEVER = {"Cache-Control": "no-store"}


@dataclass
class Job:
    """A task: when it was first looked at says where it is."""

    seconds: float
    fails: bool
    owner: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    born: float = field(default_factory=time.monotonic)
    looked: float = math.inf
    canceled: float | None = None

    def look(self) -> "Job":
        """Somebody asks for it."""
        self.looked = min(self.looked, time.monotonic())
        return self

    def history(self) -> list[tuple[float, str, Any]]:
        """All events there will be, with their times."""
        start, end = self.looked + 0.1, self.looked + self.seconds
        told = [(self.born, "status", "NotStarted"), (start, "status", "Running")]
        told += [(self.looked + self.seconds / 2, "progress", 50)]
        told += [(end, "end", "Failed" if self.fails else "Succeeded")]
        if self.canceled is None:
            return told
        before = [event for event in told if event[0] <= self.canceled]
        return [*before, (self.canceled, "end", "Canceled")]

    def now(self) -> list[tuple[float, str, Any]]:
        return [event for event in self.history() if event[0] <= time.monotonic()]

    @property
    def status(self) -> str:
        return str([value for _, type, value in self.now() if type != "progress"][-1])


class Right:
    """Keeps every rule, in words and paths of its own."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, tuple[Any, Job]] = {}

    def app(self) -> Starlette:
        routes = [
            Route("/jobs", self.submit, methods=["POST"]),
            Route("/jobs", self.list, methods=["GET"]),
            Route("/jobs/{id}", self.monitor, methods=["GET", "HEAD", "OPTIONS"]),
            Route("/jobs/{id}/result", self.result, methods=["GET"]),
            Route("/jobs/{id}/stream", self.stream, methods=["GET"]),
            Route("/jobs/{id}/cancel", self.cancel, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: self.refused})

    async def submit(self, request: Request) -> Response:
        told = self.checked(await request.body(), request.headers.get("content-type", ""))
        job, replayed = await self.made(
            told, self.key(request), request.headers.get("authorization")
        )
        if "wait=" in request.headers.get("prefer", ""):
            await asyncio.sleep(job.look().seconds + 0.1)  # two clocks
            return self.json(request, job, 200, {"Preference-Applied": "wait"})
        marked = {"Idempotent-Replayed": "true"} if replayed else {}
        return self.accepted(request, job, {**marked, "Preference-Applied": "respond-async"})

    def key(self, request: Request) -> str | None:
        key = request.headers.get("idempotency-key")
        if key and not KEY.fullmatch(key):
            raise HTTPException(400, "not a key")
        return key

    def checked(self, body: bytes, media_type: str) -> dict[str, Any]:
        if media_type != "application/json":
            raise HTTPException(415, "JSON only")
        try:
            told = json.loads(body)
        except ValueError:
            raise HTTPException(400, "no JSON") from None
        if not set(told) <= {"seconds", "fails"} or not isinstance(
            told.get("seconds"), float | int
        ):
            raise HTTPException(422, "a task has seconds, and may fail")
        return dict(told)

    async def made(
        self, told: dict[str, Any], key: str | None, owner: str | None
    ) -> tuple[Job, bool]:
        """The job of a key, or a new one; nothing awaits between the check and the act."""
        if key in self.keys:
            body, job = self.keys[key]
            if body != told:
                raise HTTPException(422, "the key belongs to another request")
            return job, True
        job = self.new(told, owner)
        if key:
            self.keys[key] = told, job
        return job, False

    def new(self, told: dict[str, Any], owner: str | None) -> Job:
        job = Job(told["seconds"], told.get("fails", False), owner)
        self.jobs[job.id] = job
        return job

    def accepted(self, request: Request, job: Job, headers: dict[str, str]) -> Response:
        here = self.here(request, job)
        told = {"Operation-Location": here, "Location": f"{here}/result"}
        return self.json(request, job, 202, {**told, **self.pace(job), **headers})

    def here(self, request: Request, job: Job) -> str:
        return f"{request.base_url}jobs/{job.id}"

    def pace(self, job: Job) -> dict[str, str]:
        return {} if job.status in FINAL else {"Retry-After": "1"}

    def json(
        self, request: Request, job: Job, status: int, headers: dict[str, str]
    ) -> JSONResponse:
        return self.sent(JSONResponse(self.shown(request, job), status, headers))

    def sent(self, response: Any) -> Any:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def shown(self, request: Request, job: Job) -> dict[str, Any]:
        here, status = self.here(request, job), self.word(job.status)
        links = {name: f"{here}/{name}" for name in ("stream", "cancel")}
        told: dict[str, Any] = {"id": job.id, "status": status, "links": links}
        if job.status == "Failed":
            told["error"] = {"code": "asked", "message": "It was asked to fail."}
        if job.status == "Succeeded":
            told["result"] = {"seconds": job.seconds}
        return told

    def word(self, status: str) -> str:
        return status

    def find(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["id"])
        if job is None or job.owner != request.headers.get("authorization"):
            raise HTTPException(404, "no such task")
        return job.look()

    async def monitor(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self.sent(Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"}))
        job = self.find(request)
        response = self.json(request, job, 200, {**NEVER, **self.pace(job)})
        tag = response.headers["ETag"] = self.tag(response.body)
        if request.headers.get("if-none-match") == tag:
            return self.sent(Response(status_code=304, headers={"ETag": tag}))
        return response

    def tag(self, body: bytes) -> str:
        return f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    async def result(self, request: Request) -> Response:
        job = self.find(request)
        if job.status == "Succeeded":
            return self.sent(JSONResponse({"seconds": job.seconds}))
        if job.status in FINAL:
            raise HTTPException(409, "it has no result")
        return self.accepted(request, job, {})

    async def cancel(self, request: Request) -> Response:
        job = self.find(request)
        if job.status in FINAL - {"Canceled"}:
            raise HTTPException(409, "it has ended")
        job.canceled = job.canceled or time.monotonic()
        return self.json(request, job, 200, {})

    async def list(self, request: Request) -> Response:
        ids = sorted(self.jobs)
        after = (
            ids.index(request.query_params["after"]) + 1 if "after" in request.query_params else 0
        )
        size = int(request.query_params.get("limit", 50))
        page = ids[after : after + size]
        told: dict[str, Any] = {"value": [self.shown(request, self.jobs[id]) for id in page]}
        if after + size < len(ids):
            told["nextLink"] = str(request.url.include_query_params(after=page[-1]))
        return self.sent(JSONResponse(told))

    async def stream(self, request: Request) -> Response:
        job = self.find(request)
        told = request.headers.get("last-event-id", "0")
        if not told.isdigit():
            raise HTTPException(400, "not a cursor")
        if job.status in FINAL and int(told) >= len(job.history()):
            return self.sent(Response(status_code=204))
        headers = {**NEVER, "X-Accel-Buffering": "no"}
        frames = self.frames(job, int(told))
        return self.sent(StreamingResponse(frames, media_type="text/event-stream", headers=headers))

    async def frames(self, job: Job, after: int) -> AsyncIterator[str]:
        quiet, retry = time.monotonic(), "retry: 1000\n"
        while True:
            for _, type, value in job.now()[after:]:
                after, quiet = after + 1, time.monotonic()
                yield retry + self.frame(after, type, value)
                retry = ""
                if type == "end":
                    return
            if time.monotonic() - quiet > 1:
                quiet = time.monotonic()
                yield ": quiet\n"
            await asyncio.sleep(0.02)

    def frame(self, seq: int, type: str, value: Any) -> str:
        return f"id: {seq}\nevent: {type}\ndata: {json.dumps(value)}\n\n"

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status, said = error.status_code, error.detail
        body = {"type": f"https://example.com/problems/{status}", "title": said, "detail": said}
        return self.sent(
            JSONResponse(
                {**body, "status": status},
                status,
                error.headers,
                media_type="application/problem+json",
            )
        )
