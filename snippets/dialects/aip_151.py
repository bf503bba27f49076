"""A task as google.longrunning.Operation (AIP-151), in protobuf's JSON."""

from typing import Any

STRUCT = "type.googleapis.com/google.protobuf.Struct"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
CANCELLED, UNKNOWN = 1, 2
STATES = {404: "NOT_FOUND", 409: "FAILED_PRECONDITION", 422: "INVALID_ARGUMENT"}


# --8<-- [start:adapter]
def operation(task: dict[str, Any]) -> dict[str, Any]:
    """No status word at all: `done`, and then either `response` or `error`."""
    told = {name: task[name] for name in ("kind", "status", "progress", "created", "finished")}
    shown = {
        "name": f"operations/{task['id']}",
        "metadata": {"@type": STRUCT, "value": told},
        "done": task["status"] in {"succeeded", "failed", "canceled"},
    }
    if task["status"] == "succeeded":
        shown["response"] = {"@type": STRUCT, "value": task["result"]}
    elif task["status"] == "failed":
        shown["error"] = status(UNKNOWN, task["error"]["message"], task["error"]["code"])
    elif task["status"] == "canceled":
        shown["error"] = status(CANCELLED, "The task was canceled.", "canceled")
    return shown


def status(code: int, message: str, reason: str) -> dict[str, Any]:
    """google.rpc.Status; what a program decides by is the reason (AIP-193)."""
    info = {"@type": ERROR_INFO, "reason": reason.upper(), "domain": "tasks.example"}
    return {"code": code, "message": message, "details": [info]}


# --8<-- [end:adapter]


def refusal(problem: dict[str, Any]) -> dict[str, Any]:
    """An error that kept an operation from starting."""
    state = STATES.get(problem["status"], "UNKNOWN")
    return {"error": {"code": problem["status"], "message": problem["detail"], "status": state}}
