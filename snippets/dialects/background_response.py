"""A task as a response in the background (OpenAI's Responses API with `background: true`)."""

import json
from datetime import datetime
from typing import Any

WORDS = {
    "queued": "queued",
    "running": "in_progress",
    "canceling": "in_progress",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "cancelled",
}


# --8<-- [start:adapter]
def response(task: dict[str, Any]) -> dict[str, Any]:
    """The same object from the first answer to the last; the result is a message in `output`."""
    error = task["error"] and {name: task["error"][name] for name in ("code", "message")}
    text = {"type": "output_text", "text": json.dumps(task["result"]), "annotations": []}
    message = {"type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": f"resp_{task['id']}",
        "object": "response",
        "created_at": int(datetime.fromisoformat(task["created"]).timestamp()),
        "status": WORDS[task["status"]],
        "background": True,
        "error": error,
        "output": [message] if task["status"] == "succeeded" else [],
    }


def event(entry: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """One entry of our history; `sequence_number` is our `seq`, the cursor `starting_after`."""
    if entry["type"] != "end":
        then = entry["data"].get("status", "running")
        task = {**task, "status": then, "error": None, "result": None}
    now = response(task)
    # no event of its own is documented for cancelled: the response inside says it
    word = "incomplete" if now["status"] == "cancelled" else now["status"]
    return {"type": f"response.{word}", "sequence_number": entry["seq"], "response": now}


# --8<-- [end:adapter]


def refusal(problem: dict[str, Any]) -> dict[str, Any]:
    """An error of a request."""
    kind = problem["type"].rpartition("#")[2]
    return {"error": {"message": problem["detail"], "type": "invalid_request_error", "code": kind}}
