"""A task as a status monitor of the Azure REST API Guidelines."""

from typing import Any

WORDS = {
    "queued": "NotStarted",
    "running": "Running",
    "canceling": "Running",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "canceled": "Canceled",
}


# --8<-- [start:adapter]
def monitor(task: dict[str, Any]) -> dict[str, Any]:
    """Our monitor has this form already; only the words get capital letters."""
    shown = {"id": task["id"], "kind": task["kind"], "status": WORDS[task["status"]]}
    if task["status"] == "succeeded":
        return {**shown, "result": task["result"]}
    if task["status"] == "failed":
        return {**shown, "error": refusal(task["error"])["error"]}
    return shown


def refusal(problem: dict[str, Any]) -> dict[str, Any]:
    """An error, of a request or of a task, in Azure's envelope."""
    code = problem.get("code") or problem["type"].rpartition("#")[2]
    return {"error": {"code": code, "message": problem["detail"]}}


# --8<-- [end:adapter]
