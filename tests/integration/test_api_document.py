"""The OpenAPI document and the pages that show it."""

import json
import re
from typing import Any

import httpx

from demo.api.problems import PROBLEMS

OPERATIONS = {
    "submitTask", "listTasks", "getTask", "getTaskResult", "listEvents", "streamTask",
    "streamTasks", "cancelTask", "retryTask", "getLiveness", "getReadiness", "getStatus",
    "listDeadLetters", "retryDeadLetter", "discardDeadLetter", "listAudit",
    "revokeSubject", "openUpload", "getUpload", "putUpload", "completeUpload", "getTaskReport",
}  # fmt: skip


def operations(document: dict[str, Any]) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def test_every_operation_tells_its_errors(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    found = operations(document)
    assert set(found) == OPERATIONS
    shown = set()
    for name, operation in found.items():
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, name
            for slug in content["examples"]:
                example = document["components"]["examples"][slug]["value"]
                assert str(example["status"]) == status
                assert example["type"].endswith(f"#{slug}")
                shown.add(slug)
    assert shown == set(PROBLEMS) - {"method-not-allowed"}
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]
    accepted = found["submitTask"]["responses"]["202"]["headers"]
    assert {"Operation-Location", "Location", "Retry-After"} <= set(accepted)


def test_the_document_s_examples_are_accepted(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    body = operations(document)["submitTask"]["requestBody"]["content"]["application/json"]
    assert set(body["examples"]) == {"web_scrape", "rehearsal"}
    for example in body["examples"].values():
        assert client.post("/tasks", json=example["value"]).status_code == 202


def test_docs_come_from_here_alone(client: httpx.Client) -> None:
    page = client.get("/docs").raise_for_status().text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) >= 4
    for file in files:
        assert file.startswith("/docs/")
        assert client.get(file).status_code == 200
    assert not re.search(r"<script(?![^>]*src)", page), "no inline script"
