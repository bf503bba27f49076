"""A task as an MCP task: of spec 2025-11-25 (experimental) and of the extension 2026-07-28."""

import json
from typing import Any

WORDS = {
    "queued": "working",
    "running": "working",
    "canceling": "working",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "cancelled",
}
KEPT = 7 * 86_400_000
INVALID_PARAMS, CANCELED = -32602, -32000


# --8<-- [start:adapter]
def task(own: dict[str, Any], pause: int = 1) -> dict[str, Any]:
    """`Task` of 2025-11-25; `pause` is our Retry-After. No work of ours asks for input."""
    said = own["error"]["message"] if own["error"] else own["progress"]["message"]
    shown = {
        "taskId": own["id"],
        "status": WORDS[own["status"]],
        "createdAt": own["created"],
        "lastUpdatedAt": own["finished"] or own["started"] or own["created"],
        "ttl": KEPT,
        "pollInterval": pause * 1000,
    }
    return {**shown, "statusMessage": said} if said else shown


def result(own: dict[str, Any]) -> dict[str, Any]:
    """`tasks/result`: what the tool call would have answered."""
    failed = own["status"] == "failed"
    text = own["error"]["message"] if failed else json.dumps(own["result"])
    shown: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": failed}
    if not failed:
        shown["structuredContent"] = own["result"]
    return {**shown, "_meta": {"io.modelcontextprotocol/related-task": {"taskId": own["id"]}}}


# --8<-- [end:adapter]


# --8<-- [start:extension]
def extended(own: dict[str, Any], pause: int = 1) -> dict[str, Any]:
    """`tasks/get` of 2026-07-28: times in ms by name, the result inside, a tool's error too."""
    older = task(own, pause)
    shown = {name: value for name, value in older.items() if name not in {"ttl", "pollInterval"}}
    shown |= {"resultType": "complete", "ttlMs": KEPT, "pollIntervalMs": pause * 1000}
    if own["status"] in {"succeeded", "failed"}:
        # `failed` is for errors of the protocol only; a tool's failure is a completed result
        shown |= {"status": "completed", "result": {**result(own), "resultType": "complete"}}
        del shown["result"]["_meta"]
    return shown


# --8<-- [end:extension]


def refusal(problem: dict[str, Any]) -> dict[str, Any]:
    """An error of JSON-RPC: an unknown task is a bad parameter."""
    return {"code": INVALID_PARAMS, "message": problem["detail"]}
