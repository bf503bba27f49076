"""What goes wrong in the field, one class each."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .right import FINAL, Job, Right


class JobId(Right):
    """200 at once, with a job id to build a URL from."""

    def accepted(self, request: Request, job: Job, headers: dict[str, str]) -> Response:
        return self.sent(JSONResponse({"job": job.id}))

    async def result(self, request: Request) -> Response:
        raise HTTPException(404, "the result is in the job")


class OwnWords(Right):
    """`success` and `cancelled`, and 303 to the result: no SDK's poller ends."""

    def word(self, status: str) -> str:
        return {"Succeeded": "success", "Canceled": "cancelled"}.get(status, status)

    async def monitor(self, request: Request) -> Response:
        response = await super().monitor(request)
        if request.method == "GET" and self.find(request).status == "Succeeded":
            response.status_code = 303
            response.headers["Location"] = f"{request.url}/result"
        return response


class Relative(Right):
    """Operation-Location without a host and Retry-After 0: SDKs fail, or wait 30 s a poll."""

    def accepted(self, request: Request, job: Job, headers: dict[str, str]) -> Response:
        response = super().accepted(request, job, headers)
        response.headers["Operation-Location"] = f"/jobs/{job.id}"
        return response

    def pace(self, job: Job) -> dict[str, str]:
        return dict.fromkeys(super().pace(job), "0")


class CheckThenAct(Right):
    """The key is looked up, and stored when the task is made: in between there is time."""

    async def made(
        self, told: dict[str, Any], key: str | None, owner: str | None
    ) -> tuple[Job, bool]:
        known = self.keys.get(key or "")
        await asyncio.sleep(0.2)  # a query
        if known:
            return known[1], True
        job = self.new(told, owner)
        if key:
            self.keys[key] = told, job
        return job, False


class NoIds(Right):
    """Events without ids, told again from the start at each reconnect, for ever."""

    def frame(self, seq: int, type: str, value: Any) -> str:
        return f"event: {type}\ndata: {json.dumps(value)}\n\n"

    async def stream(self, request: Request) -> Response:
        request.scope["headers"] = [
            pair for pair in request.scope["headers"] if pair[0] != b"last-event-id"
        ]
        return await super().stream(Request(request.scope))


class Buffered(Right):
    """Behind a proxy that passes a stream on when it is over."""

    async def frames(self, job: Job, after: int) -> AsyncIterator[str]:
        yield "".join([frame async for frame in super().frames(job, after)])


class Late(Right):
    """Accepts whatever comes, and finds out later."""

    def checked(self, body: bytes, media_type: str) -> dict[str, Any]:
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        return told or {"seconds": 0.3, "fails": True}


class Forgetful(Right):
    """Everybody's task is anybody's, its tag never changes, and its end may be undone."""

    def tag(self, body: bytes) -> str:
        return '"1"'

    def find(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            raise HTTPException(404, "no such task")
        return job.look()

    async def cancel(self, request: Request) -> Response:
        job = self.find(request)
        if job.status in FINAL:
            job.seconds = 1e9
        return await super().cancel(request)


class Sloppy(Right):
    """A hundred small things at once."""

    def sent(self, response: Any) -> Any:
        for name in ("Cache-Control", "X-Accel-Buffering", "Allow", "Preference-Applied"):
            if name in response.headers:
                del response.headers[name]
        if "json" in response.headers.get("content-type", ""):
            response.headers["Content-Type"] = "application/json"
        return response

    def accepted(self, request: Request, job: Job, headers: dict[str, str]) -> Response:
        told = {"Operation-Location": self.here(request, job)}
        return self.json(
            request, job, 202, {**told, "Retry-After": "Wed, 25 Nov 2026 09:00:00 GMT"}
        )

    def pace(self, job: Job) -> dict[str, str]:
        return {"Retry-After": "1.5"}

    def shown(self, request: Request, job: Job) -> dict[str, Any]:
        shown = super().shown(request, job)
        shown.pop("result", None)
        if "error" in shown:
            shown["error"] = {"code": 1}
        return {**shown, "id": job.id if job.status == "NotStarted" else "1"}

    def key(self, request: Request) -> str | None:
        return request.headers.get("idempotency-key")

    async def list(self, request: Request) -> Response:
        told = [self.shown(request, job) for job in self.jobs.values()]
        return self.sent(JSONResponse({"value": told, "nextLink": "/jobs?page=2"}))

    async def stream(self, request: Request) -> Response:
        if self.find(request).status in FINAL:
            return self.sent(Response(status_code=204))
        return await super().stream(request)


class Unready(Right):
    """A monitor that is there only once a worker has begun: 404 to a client that asks at once."""

    async def monitor(self, request: Request) -> Response:
        if self.find(request).status == "NotStarted":
            raise HTTPException(404, "not yet")
        return await super().monitor(request)


class Moody(Right):
    """A status that goes back, keys and wishes that mean nothing, results and cancels that fail."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: set[str] = set()

    async def submit(self, request: Request) -> Response:
        if "prefer" in request.headers:
            raise HTTPException(501, "no wishes here")
        return await super().submit(request)

    async def made(
        self, told: dict[str, Any], key: str | None, owner: str | None
    ) -> tuple[Job, bool]:
        return self.new(told, owner), False

    def word(self, status: str) -> str:
        return "Twiddling" if status == "NotStarted" else status

    def shown(self, request: Request, job: Job) -> dict[str, Any]:
        back = job.status == "Running" and job.id in self.ran
        self.ran |= {job.id} if job.status == "Running" else set()
        shown = super().shown(request, job)
        return {**shown, "id": str(time.monotonic()), **({"status": "Queued"} if back else {})}

    async def monitor(self, request: Request) -> Response:
        if request.path_params["id"] not in self.jobs:
            return self.sent(JSONResponse({"id": "0", "status": "NotStarted"}))
        if request.method == "HEAD":
            raise HTTPException(405, "no heads here")
        response = await super().monitor(request)
        del response.headers["ETag"]
        return response

    async def result(self, request: Request) -> Response:
        return self.sent(Response(status_code=404))

    async def cancel(self, request: Request) -> Response:
        raise HTTPException(403 if request.path_params["id"] in self.jobs else 404, "never")

    async def list(self, request: Request) -> Response:
        return self.sent(JSONResponse([]))

    async def refused(self, request: Request, error: Exception) -> Response:
        response = await super().refused(request, error)
        body = {"type": "about:blank", "title": "No", "status": 200}
        response.body = json.dumps(body).encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response


class Undone(Right):
    """A task that is found again once it had ended, and v7 ids that mean nothing."""

    def new(self, told: dict[str, Any], owner: str | None) -> Job:
        job = super().new(told, owner)
        del self.jobs[job.id]
        job.id = f"{job.id[:14]}7{job.id[15:]}"
        self.jobs[job.id] = job
        return job

    async def monitor(self, request: Request) -> Response:
        response = await super().monitor(request)
        job = self.find(request)
        if job.status in FINAL:
            job.seconds = 1e9
        return response


class Torn(Right):
    """A stream that repeats, never ends, and is no stream by its headers."""

    async def stream(self, request: Request) -> Response:
        job = self.find(request)
        told = request.headers.get("last-event-id", "")
        after = max(0, int(told) - 1) if told.isdigit() else 0
        frames = self.frames(job, after)
        response = StreamingResponse(frames, media_type="text/plain")
        response.headers["Content-Encoding"] = "identity"
        return self.sent(response)

    async def frames(self, job: Job, after: int) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        async for frame in super().frames(job, after):
            yield frame
        while True:
            await asyncio.sleep(1)
            yield ": still here\n"


class Hello:
    """Answers anything to everything."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {"Operation-Location": "nowhere:else", "Location": "//[", "ETag": "x"}
        await JSONResponse(["hello", {"status": {"id": []}}], headers=headers)(scope, receive, send)
