"""The OpenAPI document: requests from the code's types, answers from `described.json`."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.routing import compile_path

from demo.api.problems import PAGE, PROBLEMS
from demo.contract import AuditPage, EventPage, Problem, Slot, Task, TaskPage

Part = dict[str, Any]
DESCRIBED: Part = json.loads((Path(__file__).parent / "described.json").read_text())
SCHEMAS = "#/components/schemas/"
PROBLEM_JSON = "application/problem+json"


def operation_id(route: APIRoute) -> str:
    """`submit_task` is `submitTask`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


class Api(FastAPI):
    """An app whose OpenAPI document tells every answer of every operation."""

    def openapi(self) -> Part:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document |= DESCRIBED["document"]
            components = document["components"]
            components["schemas"] |= _schemas()
            for unused in ("HTTPValidationError", "ValidationError"):
                components["schemas"].pop(unused, None)
            components |= {
                "links": DESCRIBED["links"],
                "examples": _problems(),
                "securitySchemes": DESCRIBED["callers"],
            }
            for operations in document["paths"].values():
                for operation in operations.values():
                    _describe(operation, DESCRIBED["operations"][operation["operationId"]])
            self.openapi_schema = document
        return self.openapi_schema

    def allowed(self, path: str) -> set[str]:
        """The methods of all operations at a path, for `Allow`."""
        found = {
            method.upper()
            for template, operations in self.openapi()["paths"].items()
            if compile_path(template)[0].match(path)
            for method in operations
        }
        return found | ({"HEAD"} if "GET" in found and not path.endswith("/stream") else set())


def _schemas() -> Part:
    told = (Task, TaskPage, EventPage, AuditPage, Slot, Problem)
    _, made = models_json_schema(
        [(model, "serialization") for model in told], ref_template=SCHEMAS + "{model}"
    )
    schemas: Part = made["$defs"]
    return schemas


def _problems() -> Part:
    return {
        slug: {"value": {"type": f"http://127.0.0.1:8001{PAGE}#{slug}", "title": title,
                         "status": status, "detail": f"{title}."}}
        for slug, (status, title) in PROBLEMS.items()
        if slug != "method-not-allowed"  # of no operation
    }  # fmt: skip


def _describe(operation: Part, told: Part) -> None:
    operation["responses"] = {
        status: _answer(answer) for status, answer in told["answers"].items()
    } | _refusals(told["problems"])
    if examples := told.get("examples"):
        operation["requestBody"]["content"]["application/json"]["examples"] = examples


def _answer(told: Part) -> Part:
    answer: Part = {"description": told["description"]}
    if model := told.get("model"):
        content = {"schema": {"$ref": SCHEMAS + model}}
        content["examples"] = {"example": {"value": DESCRIBED["models"][model]}}
        answer["content"] = {"application/json": content}
    elif media := told.get("media"):
        answer["content"] = {media: {"schema": told["schema"]}}
    if headers := told.get("headers"):
        answer["headers"] = {header: DESCRIBED["headers"][header] for header in headers}
    if told.get("model") == "Task":
        answer["links"] = _refs("links", DESCRIBED["links"])
    return answer


def _refusals(named: list[str]) -> Part:
    by_status: dict[str, list[str]] = defaultdict(list)
    for group in ("@every", *named):
        for slug in DESCRIBED["groups"].get(group, [group]):
            by_status[str(PROBLEMS[slug][0])].append(slug)
    return {status: _refusal(slugs) for status, slugs in by_status.items()}


def _refusal(slugs: list[str]) -> Part:
    content = {"schema": {"$ref": SCHEMAS + "Problem"}, "examples": _refs("examples", slugs)}
    answer: Part = {
        "description": "; ".join(PROBLEMS[slug][1] for slug in slugs),
        "content": {PROBLEM_JSON: content},
    }
    if any(PROBLEMS[slug][0] in (429, 503) for slug in slugs):
        answer["headers"] = {"Retry-After": DESCRIBED["headers"]["Retry-After"]}
    return answer


def _refs(kind: str, names: Any) -> Part:
    return {name: {"$ref": f"#/components/{kind}/{name}"} for name in names}
