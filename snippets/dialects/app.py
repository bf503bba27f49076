"""One task, every dialect: small servers over our API, which alone knows the tasks.

Run it: uvicorn --app-dir snippets/dialects app:app     DEMO_URL: where the API listens
"""

import json
import math
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import aip_151
import azure_lro
import background_response
import httpx
import mcp_task
import rfc_7240
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

API = os.environ.get("DEMO_URL", "http://127.0.0.1:8001")
FINAL = {"succeeded", "failed", "canceled"}
REFUSALS = {
    "azure": azure_lro.refusal,
    "aip151": aip_151.refusal,
    "rfc7240": rfc_7240.refusal,
    "responses": background_response.refusal,
}
app = FastAPI(title="One task, every dialect")
api = httpx.AsyncClient(base_url=API, timeout=60, trust_env=False)
Task = dict[str, Any]


class Refused(Exception):
    """Our API said no; each dialect says it in its own words."""

    def __init__(self, problem: Task) -> None:
        self.problem = problem


@app.exception_handler(Refused)
async def refused(request: Request, told: Refused) -> Response:
    dialect = request.url.path.split("/")[1]
    return JSONResponse(REFUSALS[dialect](told.problem), told.problem["status"])


async def ask(method: str, path: str, **more: Any) -> tuple[Task, dict[str, str]]:
    """Our answer: the body, and how long a poller should wait."""
    answer = await api.request(method, path, **more)
    if answer.is_error:
        raise Refused(answer.json())
    pace = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
    return answer.json(), pace


async def submit(kind: str, input: Task) -> Task:
    return (await ask("POST", "/tasks", json={"kind": kind, "input": input}))[0]


async def final(id: str, within: float) -> Task:
    """The task at its end, or as it is when the time is over; our API waits, nothing polls."""
    until = time.monotonic() + within
    while True:
        left = math.ceil(max(0, min(20, until - time.monotonic())))
        task, _ = await ask("GET", f"/tasks/{id}", headers={"Prefer": f"wait={left}"})
        if task["status"] in FINAL or time.monotonic() >= until:
            return task


@app.get("/azure/operations/{id}")
async def azure(id: str) -> Response:
    task, pace = await ask("GET", f"/tasks/{id}")
    return JSONResponse(azure_lro.monitor(task), headers=pace)


@app.post("/aip151/v1/{kind}:run")
async def run(kind: str, input: Task) -> Task:
    return aip_151.operation(await submit(kind, input))


@app.get("/aip151/v1/operations/{id}")
async def operation(id: str) -> Task:
    return aip_151.operation((await ask("GET", f"/tasks/{id}"))[0])


@app.post("/aip151/v1/operations/{id}:cancel")
async def cancel_operation(id: str) -> Task:
    await ask("POST", f"/tasks/{id}/cancel")
    return {}


@app.post("/rfc7240/{kind}")
async def prefer(kind: str, input: Task, prefer: str = Header("")) -> Response:
    task = await submit(kind, input)
    task = await final(task["id"], rfc_7240.patience(prefer))
    status, headers, body = rfc_7240.answer(task, prefer)
    return JSONResponse(body, status, headers)


# --8<-- [start:mcp]
@app.post("/mcp/{version}")
async def mcp(version: str, call: Task) -> Task:
    """JSON-RPC of the one version or of the other."""
    answers = older if version == "2025-11-25" else newer
    try:
        answer = await answers(call["method"], call["params"])
    except Refused as told:
        answer = {"error": mcp_task.refusal(told.problem)}
    return {"jsonrpc": "2.0", "id": call["id"], **answer}


async def older(method: str, params: Task) -> Task:
    """A result of its own, which waits for the end; a canceled task has stopped."""
    if method == "tools/call":
        task = await submit(params["name"], params["arguments"])
        return {"result": {"task": mcp_task.task(task)}}
    if method == "tasks/get":
        task, pace = await ask("GET", f"/tasks/{params['taskId']}")
        return {"result": mcp_task.task(task, int(pace.get("Retry-After", 1)))}
    if method == "tasks/cancel":
        await ask("POST", f"/tasks/{params['taskId']}/cancel")
        return {"result": mcp_task.task(await final(params["taskId"], 30))}
    task = await final(params["taskId"], float("inf"))
    if task["status"] == "canceled":
        return {"error": {"code": mcp_task.CANCELED, "message": "The task was canceled."}}
    return {"result": mcp_task.result(task)}


async def newer(method: str, params: Task) -> Task:
    """The result comes with `tasks/get`; a request to cancel is only acknowledged."""
    if method == "tools/call":
        task = await submit(params["name"], params["arguments"])
        return {"result": mcp_task.extended(task) | {"resultType": "task"}}
    if method == "tasks/cancel":
        await ask("POST", f"/tasks/{params['taskId']}/cancel")
        return {"result": {"resultType": "complete"}}
    task, pace = await ask("GET", f"/tasks/{params['taskId']}")
    return {"result": mcp_task.extended(task, int(pace.get("Retry-After", 1)))}


# --8<-- [end:mcp]


@app.post("/responses")
async def respond(request: Task) -> Task:
    return background_response.response(await submit(request["model"], request["input"]))


@app.get("/responses/{id}")
async def response(id: str, stream: bool = False, starting_after: int = 0) -> Response:
    path = f"/tasks/{id.removeprefix('resp_')}"
    task, _ = await ask("GET", path)
    if not stream:
        return JSONResponse(background_response.response(task))
    return StreamingResponse(told(path, task, starting_after), media_type="text/event-stream")


async def told(path: str, task: Task, after: int) -> AsyncIterator[str]:
    async with api.stream("GET", f"{path}/stream", params={"after": after}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith('data: {"seq"'):
                entry = json.loads(line[6:])
                if entry["type"] == "end":
                    task, _ = await ask("GET", path)
                event = background_response.event(entry, task)
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


@app.post("/responses/{id}/cancel")
async def cancel_response(id: str) -> Task:
    task, _ = await ask("GET", f"/tasks/{id.removeprefix('resp_')}")
    if task["status"] not in FINAL:  # to cancel twice is no error here
        await ask("POST", f"/tasks/{task['id']}/cancel")
        task = await final(task["id"], 30)
    return background_response.response(task)
