"""The contract page's tables, held against the running API and against its OpenAPI document."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.api.app import create_app
from demo.contract import Status
from demo.settings import Settings

from .conftest import Hands

PAGE = Path(__file__).parents[2] / "site_src" / "guides" / "contract.md"
BODY = {"kind": "rehearsal", "input": {"steps": 2}}
# told once for all addresses, below the tables
EVERYWHERE = {"401", "403", "408", "413", "415", "421", "500", "503"}
HEADER = re.compile(r"`([A-Z][A-Za-z]*(?:-[A-Z][a-z]+)*)`")


def rows(text: str) -> list[list[str]]:
    """The cells of a table's lines, without its head."""
    lines = re.findall(r"^\| .* \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines][2:]


@pytest.fixture
def tasks(client: httpx.Client, hands: Hands) -> dict[str, dict[str, Any]]:
    """A task in each state, submitted under its state's name as key."""
    made = {}
    for state in ("queued", "running", "succeeded", "failed", "canceled"):
        key = {"Idempotency-Key": state}
        made[state] = client.post("/tasks", json=BODY, headers=key).json()
        if state == "canceled":
            client.post(made[state]["links"]["cancel"])
        elif state != "queued":
            hands.claim(made[state]["id"])
        if state in ("succeeded", "failed"):
            error = {"code": "rehearsed", "message": "It failed."} if state == "failed" else None
            hands.finish(made[state]["id"], Status(state), error=error)
    return made


def asked(client: httpx.Client, request: str, state: str, task: dict[str, Any]) -> int:
    """The status that a request of the page's table gets."""
    headers = {"Idempotency-Key": state} if "same key" in request else {}
    if request == "the same, with the last number":
        events = client.get(task["links"]["events"]).json()["items"]
        headers, request = {"Last-Event-ID": str(events[-1]["seq"])}, "`GET /tasks/{id}/stream`"
    method, path = re.findall(r"`(\w+) (\S+)`", request)[0]
    body = BODY if path == "/tasks" else None
    url = path.replace("{id}", task["id"])
    with client.stream(method, url, json=body, headers=headers) as answer:
        return answer.status_code


MATRIX = rows(PAGE.read_text().split("\n## ")[1])


@pytest.mark.claim("contract.matrix")
@pytest.mark.parametrize("line", MATRIX, ids=lambda line: line[0].replace("`", ""))
def test_the_matrix_of_the_contract_page_holds(
    client: httpx.Client, tasks: dict[str, dict[str, Any]], line: list[str]
) -> None:
    now = {state: asked(client, line[0], state, task) for state, task in tasks.items()}
    assert now == dict(zip(tasks, map(int, line[1:]), strict=True))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def told(operation: dict[str, Any]) -> dict[str, set[str]]:
    """Statuses of the document with their headers; refusals carry none of their own."""
    return {
        status: set(response.get("headers", {}) if status < "4" else ())
        for status, response in operation["responses"].items()
        if status not in EVERYWHERE
    }


@pytest.mark.claim("contract.complete")
def test_the_tables_name_every_answer_of_the_document(document: dict[str, Any]) -> None:
    heading = r"^### `(\w+) (\S+)` \{ #\w+ \}\n(.*?)(?=^###? )"
    sections = re.findall(heading, PAGE.read_text(), re.MULTILINE | re.DOTALL)
    page = {
        (method, path): {line[0].strip("*"): set(HEADER.findall(line[2])) for line in rows(text)}
        for method, path, text in sections
    }
    known = {
        (method.upper(), path): told(operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith(("/tasks", "/stream"))
    }
    assert page == known


def test_the_times_on_the_page_are_the_defaults() -> None:
    text = " ".join(PAGE.read_text().split())
    days = {1: "a day", 7: "seven days"}
    assert f"kept for {days[Settings().retention_days]} (`DEMO_RETENTION_DAYS`)" in text
    assert f"| How long a key holds | {days[Settings().key_days]}," in text
    assert f"413 above {Settings().body_limit // 1024} KiB" in text
