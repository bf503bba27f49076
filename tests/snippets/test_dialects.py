"""One task in every dialect: the adapters alone, and over the running stack."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.longrunning.operations_pb2 import Operation
from google.protobuf import struct_pb2
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2

from demo.local.servers import free_port
from tests.stack import Stack, eventually
from tests.transcripts import FOLDER, exchange, keep

from .conftest import SNIPPETS, loaded

DIALECTS = SNIPPETS / "dialects"
azure_lro = loaded("dialects/azure_lro.py")
aip_151 = loaded("dialects/aip_151.py")
rfc_7240 = loaded("dialects/rfc_7240.py")
mcp_task = loaded("dialects/mcp_task.py")
background = loaded("dialects/background_response.py")
STATUSES = ("queued", "running", "canceling", "succeeded", "failed", "canceled")
RESULT = {"steps": 3}
ERROR = {
    "code": "rehearsed",
    "message": "Step 2 failed.",
    "type": "http://127.0.0.1:8001/guide/reference/problems/#rehearsed",
    "title": "Rehearsed",
    "detail": "Step 2 failed.",
}
MCP_FINAL = {"completed", "failed", "cancelled"}


def monitor(status: str) -> dict[str, Any]:
    """A task of ours as the API shows it."""
    moment = "2026-11-24T12:00:00Z"
    return {
        "id": "01a20d8a-bf6d-75fc-98d9-12abf683bd21",
        "kind": "rehearsal",
        "status": status,
        "progress": {"percent": 50.0, "message": "Step 1 of 2", "step": 1},
        "created": moment,
        "started": None if status == "queued" else moment,
        "finished": moment if status in {"succeeded", "failed", "canceled"} else None,
        "result": RESULT if status == "succeeded" else None,
        "error": ERROR if status == "failed" else None,
        "links": {
            "result": "http://127.0.0.1:8001/tasks/01a20d8a-bf6d-75fc-98d9-12abf683bd21/result"
        },
    }


@pytest.mark.claim("dialects.words")
def test_each_dialect_ends_with_its_own_words() -> None:
    words = {
        "ours": STATUSES,
        "Azure": [azure_lro.monitor(monitor(status))["status"] for status in STATUSES],
        "AIP-151": [_said(aip_151.operation(monitor(status))) for status in STATUSES],
        "RFC 7240": [str(rfc_7240.answer(monitor(status), "")[0]) for status in STATUSES],
        "MCP 2025": [mcp_task.task(monitor(status))["status"] for status in STATUSES],
        "MCP 2026": [_inner(mcp_task.extended(monitor(status))) for status in STATUSES],
        "Response": [background.response(monitor(status))["status"] for status in STATUSES],
    }
    assert words["Azure"][3:] == ["Succeeded", "Failed", "Canceled"]
    assert words["MCP 2025"][3:] == ["completed", "failed", "cancelled"]
    assert words["Response"] == [
        "queued", "in_progress", "in_progress", "completed", "failed", "cancelled",
    ]  # fmt: skip
    kept("words.md", table(words))


def _said(operation: dict[str, Any]) -> str:
    if not operation["done"]:
        return "done: false"
    error = operation.get("error")
    return f"error {error['code']}" if error else "response"


def _inner(task: dict[str, Any]) -> str:
    wrong = task.get("result", {}).get("isError")
    return f"{task['status']}` `isError" if wrong else task["status"]


def table(rows: dict[str, Any]) -> str:
    """Our words as columns, a dialect a row."""
    head = ["", *(f"`{status}`" for status in rows.pop("ours"))]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *(f"`{word}`" for word in words)] for name, words in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


Places = dict[str, Any]


def seen(status: str) -> Places:
    """One state of a task in each dialect, as a reader of the wire sees it."""
    own = monitor(status)
    code, headers, body = rfc_7240.answer(own, "")
    return {
        "Azure": azure_lro.monitor(own),
        "AIP-151": aip_151.operation(own),
        "RFC 7240": {"status code": code, **headers, "body": body},
        "MCP 2025": _with_result(mcp_task.task(own), own),
        "MCP 2026": mcp_task.extended(own),
        "Response": background.response(own),
    }


def _with_result(task: Places, own: Places) -> Places:
    final = own["status"] in {"succeeded", "failed"}
    return {**task, "tasks/result": mcp_task.result(own)} if final else task


def place(value: Any, shown: Any, path: str = "") -> Iterator[str]:
    """Where a value is, by itself or inside a text."""
    if shown == value or (isinstance(value, str) and isinstance(shown, str) and value in shown):
        yield path
    elif isinstance(value, dict) and shown == json.dumps(value):
        yield f"{path}` `as JSON"
    elif isinstance(shown, dict):
        for name, inside in shown.items():
            yield from place(value, inside, f"{path}.{name}".lstrip("."))
    elif isinstance(shown, list):
        for number, inside in enumerate(shown):
            yield from place(value, inside, f"{path}[{number}]")


def best(value: Any, shown: Any) -> str:
    """The plainest place: a value by itself rather than inside a text."""
    found = sorted(place(value, shown), key=lambda path: path.endswith("as JSON"))
    path = found[0].removeprefix("body.") if found else "none"
    dots = sorted((abs(m.start() - len(path) / 2), m.start()) for m in re.finditer(r"\.", path))
    narrow = len(path) < 26 or not dots or "`" in path
    return path if narrow else f"{path[: dots[0][1]]}` `{path[dots[0][1] :]}"


@pytest.mark.claim("dialects.places")
def test_each_dialect_has_a_place_for_what_matters() -> None:
    asked = {
        "id": ("running", monitor("running")["id"]),
        "message": ("running", "Step 1 of 2"),
        "result": ("succeeded", RESULT),
        "error": ("failed", ERROR["message"]),
    }
    rows: Places = {"ours": asked}
    for dialect in seen("running"):
        rows[dialect] = [best(value, seen(at)[dialect]) for at, value in asked.values()]
    assert "none" not in {row[column] for row in list(rows.values())[1:] for column in (2, 3)}
    kept("places.md", table(rows))


def kept(name: str, text: str) -> None:
    """Compare with what the page shows, or write it."""
    path = DIALECTS / name
    if os.environ.get("RECORD") == "1":
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.claim("dialects.aip-151")
@pytest.mark.parametrize("status", STATUSES)
def test_googles_own_message_reads_the_operation(status: str) -> None:
    read = ParseDict(aip_151.operation(monitor(status)), Operation())
    assert read.name.startswith("operations/")
    final = status in {"succeeded", "failed", "canceled"}
    assert (read.done, read.HasField("error") or read.HasField("response")) == (final, final)
    told = struct_pb2.Struct()
    assert read.metadata.Unpack(told)
    assert told["status"] == status
    if status == "succeeded":
        assert read.response.Unpack(told)
        assert told["steps"] == 3
    if status in {"failed", "canceled"}:
        info = error_details_pb2.ErrorInfo()
        assert read.error.details[0].Unpack(info)
        assert (read.error.code, info.reason) == (
            (1, "CANCELED") if status == "canceled" else (2, "REHEARSED")
        )


@pytest.mark.claim("dialects.rfc-7240")
@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", 20),
        ("respond-async", 0),
        ("respond-async, wait=10", 10),
        ("wait=5", 5),
        ("Respond-Async; foo=bar , WAIT=3", 3),
        ("wait=99999", 20),
        ("wait=-1", 20),
        ("return=minimal", 20),
    ],
)
def test_preferences_are_read_or_ignored(prefer: str, seconds: float) -> None:
    assert rfc_7240.patience(prefer) == seconds


@pytest.mark.claim("dialects.errors")
def test_each_dialect_has_another_place_for_the_error() -> None:
    failed = monitor("failed")
    assert azure_lro.monitor(failed)["error"] == {"code": "rehearsed", "message": "Step 2 failed."}
    assert aip_151.operation(failed)["error"]["message"] == "Step 2 failed."
    status, headers, problem = rfc_7240.answer(failed, "respond-async")
    assert (status, problem["detail"]) == (409, "Step 2 failed.")
    assert headers == {"Content-Type": "application/problem+json"}
    older, newer = mcp_task.task(failed), mcp_task.extended(failed)
    assert (older["status"], older["statusMessage"]) == ("failed", "Step 2 failed.")
    assert (newer["status"], newer["result"]["isError"]) == ("completed", True)
    assert mcp_task.result(failed)["content"][0]["text"] == "Step 2 failed."
    assert background.response(failed)["error"] == {
        "code": "rehearsed",
        "message": "Step 2 failed.",
    }


@pytest.fixture(scope="module")
def dialects(stack: Stack) -> Iterator[httpx.Client]:
    """The app with all dialects, over the running stack."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "--no-server-header"],
        cwd=DIALECTS,
        env={"DEMO_URL": stack.url},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:

        def there() -> bool:
            try:
                return client.get("/docs").is_success
            except httpx.TransportError:
                return False

        eventually(there)
        yield client
        process.terminate()
        process.wait(20)


def call(client: httpx.Client, version: str, method: str, **params: Any) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post(f"/mcp/{version}", json=body)


@pytest.mark.claim("dialects.same-task")
def test_one_running_task_in_every_dialect(stack: Stack, dialects: httpx.Client) -> None:
    long = {"steps": 100, "step_seconds": 1}
    task = stack.submit(**long)
    stack.until(task, "running", step=1)
    id = task["id"]

    def same_step() -> httpx.Response | None:
        """Read between two steps, as our own monitor was."""
        answer = dialects.get(f"/aip151/v1/operations/{id}")
        told = answer.json()["metadata"]["value"]
        return answer if told["progress"] == stack.monitor(task)["progress"] else None

    shown = {
        "azure": dialects.get(f"/azure/operations/{id}"),
        "aip-151": eventually(same_step),
        "mcp-2025-11-25": call(dialects, "2025-11-25", "tasks/get", taskId=id),
        "mcp-2026-07-28": call(dialects, "2026-07-28", "tasks/get", taskId=id),
        "response": dialects.get(f"/responses/resp_{id}"),
    }
    ask = {"Prefer": "respond-async, wait=1"}
    shown["rfc-7240"] = dialects.post("/rfc7240/rehearsal", json=long, headers=ask)
    (second,) = re.findall("/tasks/(.+)/result", shown["rfc-7240"].headers["Location"])
    for left in (id, second):
        stack.client.post(f"/tasks/{left}/cancel")
    assert shown["azure"].json()["status"] == "Running"
    assert shown["azure"].headers["Retry-After"] == "1"
    assert shown["aip-151"].json()["metadata"]["value"]["status"] == "running"
    for version in ("2025-11-25", "2026-07-28"):
        result = shown[f"mcp-{version}"].json()["result"]
        assert (result["taskId"], result["status"]) == (id, "working")
    assert shown["response"].json()["status"] == "in_progress"
    assert (shown["rfc-7240"].status_code, shown["rfc-7240"].headers["Preference-Applied"]) == (
        202,
        "respond-async",
    )
    for name, answer in shown.items():
        keep(f"dialect-{name}.http", exchange(answer))


def test_the_transcripts_tell_one_task() -> None:
    found = {path.stem: path.read_text() for path in FOLDER.glob("dialect-*.http")}
    assert len(found) == 6
    id = json.loads(found["dialect-azure"].rpartition("\n\n")[2])["id"]
    assert {name for name, text in found.items() if id not in text} == {"dialect-rfc-7240"}


@pytest.mark.claim("dialects.rfc-7240")
def test_a_short_work_is_answered_at_once_when_there_is_patience(dialects: httpx.Client) -> None:
    short = {"steps": 1, "step_seconds": 0}
    answer = dialects.post("/rfc7240/rehearsal", json=short, headers={"Prefer": "wait=15"})
    assert (answer.status_code, answer.json()["steps"]) == (200, 1)
    wrong = dialects.post("/rfc7240/rehearsal", json={"steps": 2, "fail_at": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "rehearsed")
    assert wrong.headers["Content-Type"] == "application/problem+json"


@pytest.mark.claim("dialects.aip-151")
def test_an_operation_is_run_and_canceled(dialects: httpx.Client) -> None:
    long = {"steps": 1000, "step_seconds": 0.1}
    started = dialects.post("/aip151/v1/rehearsal:run", json=long).json()
    assert dialects.post(f"/aip151/v1/{started['name']}:cancel").json() == {}

    def ended() -> dict[str, Any] | None:
        now = dict(dialects.get(f"/aip151/v1/{started['name']}").json())
        return now if now["done"] else None

    assert eventually(ended)["error"]["code"] == 1


@pytest.mark.claim("dialects.mcp")
def test_an_mcp_task_is_called_got_and_its_result_waited_for(dialects: httpx.Client) -> None:
    tool = {"name": "rehearsal", "arguments": {"steps": 3, "step_seconds": 0.2}}
    made = call(dialects, "2025-11-25", "tools/call", **tool, task={"ttl": 60000})
    task = made.json()["result"]["task"]
    assert task["status"] == "working"
    assert {"taskId", "createdAt", "lastUpdatedAt", "ttl", "pollInterval"} <= set(task)
    result = call(dialects, "2025-11-25", "tasks/result", taskId=task["taskId"]).json()["result"]
    assert (result["isError"], result["structuredContent"]["steps"]) == (False, 3)
    assert result["_meta"]["io.modelcontextprotocol/related-task"] == {"taskId": task["taskId"]}
    # a final task cannot be canceled, an unknown one not be read: both are bad parameters
    for method, id in (("tasks/cancel", task["taskId"]), ("tasks/get", "nobody")):
        error = call(dialects, "2025-11-25", method, taskId=id).json()["error"]
        assert error["code"] == -32602

    made = call(dialects, "2026-07-28", "tools/call", **tool)
    task = made.json()["result"]
    assert (task["resultType"], task["status"]) == ("task", "working")

    def ended() -> dict[str, Any] | None:
        now = call(dialects, "2026-07-28", "tasks/get", taskId=task["taskId"]).json()["result"]
        return dict(now) if now["status"] in MCP_FINAL else None

    final = eventually(ended)
    assert (final["status"], final["result"]["structuredContent"]["steps"]) == ("completed", 3)


@pytest.mark.claim("dialects.mcp")
def test_the_one_mcp_waits_for_the_end_of_a_canceled_task_and_the_other_does_not(
    dialects: httpx.Client,
) -> None:
    tool = {"name": "rehearsal", "arguments": {"steps": 1000, "step_seconds": 0.1}}
    task = call(dialects, "2025-11-25", "tools/call", **tool).json()["result"]["task"]
    over = call(dialects, "2025-11-25", "tasks/cancel", taskId=task["taskId"]).json()["result"]
    assert over["status"] == "cancelled"
    none = call(dialects, "2025-11-25", "tasks/result", taskId=task["taskId"]).json()
    assert none["error"]["message"] == "The task was canceled."
    task = call(dialects, "2026-07-28", "tools/call", **tool).json()["result"]
    over = call(dialects, "2026-07-28", "tasks/cancel", taskId=task["taskId"]).json()["result"]
    assert over == {"resultType": "complete"}


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.claim("dialects.background")
def test_a_response_is_streamed_resumed_and_canceled(dialects: httpx.Client) -> None:
    ask = {"model": "rehearsal", "background": True, "input": {"steps": 3, "step_seconds": 0.2}}
    made = dialects.post("/responses", json=ask).json()
    assert (made["object"], made["status"], made["background"]) == ("response", "queued", True)
    url = f"/responses/{made['id']}"
    seen = events(dialects.get(url, params={"stream": True}))
    assert [event["sequence_number"] for event in seen] == list(range(1, len(seen) + 1))
    assert (seen[0]["type"], seen[-1]["type"]) == ("response.queued", "response.completed")
    text = seen[-1]["response"]["output"][0]["content"][0]["text"]
    assert json.loads(text)["steps"] == 3
    rest = events(dialects.get(url, params={"stream": True, "starting_after": 2}))
    assert rest == seen[2:]

    ask["input"] = {"steps": 1000, "step_seconds": 0.1}
    made = dialects.post("/responses", json=ask).json()
    url = f"/responses/{made['id']}"
    once = dialects.post(f"{url}/cancel").json()
    assert once["status"] == "cancelled"
    assert dialects.post(f"{url}/cancel").json() == once
    last = events(dialects.get(url, params={"stream": True}))[-1]
    assert (last["type"], last["response"]) == ("response.incomplete", once)


@pytest.mark.claim("dialects.errors")
def test_a_refusal_speaks_the_dialect(dialects: httpx.Client) -> None:
    nobody = "01a20d8a-bf6d-75fc-98d9-12abf683bd21"
    azure = dialects.get(f"/azure/operations/{nobody}").json()["error"]
    assert set(azure) == {"code", "message"}
    google = dialects.get(f"/aip151/v1/operations/{nobody}").json()["error"]
    assert set(google) == {"code", "message", "status"}
    openai = dialects.get(f"/responses/resp_{nobody}").json()["error"]
    assert openai["type"] == "invalid_request_error"
    problem = dialects.post("/rfc7240/rehearsal", json={"steps": 0}).json()
    assert problem["type"].endswith("#invalid-input")
