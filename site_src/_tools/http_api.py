"""The HTTP API's reference, generated from the OpenAPI document that the app serves."""

import json
from http import HTTPStatus
from typing import Any

from demo.api.app import create_app

from .tables import limits, shown, table, typed

HEAD = """# HTTP API

Generated from the OpenAPI document that the running demo serves at `/openapi.json`. Every error is
one of the [problems](problems.md); every submission has one of the [kinds](kinds.md) as its input.

"""


def document() -> dict[str, Any]:
    """The app's own description."""
    return create_app().openapi()


def http_api() -> str:
    """One section an operation, then one a schema."""
    api = document()
    operations = [
        operation(method.upper(), path, found)
        for path, item in api["paths"].items()
        for method, found in item.items()
    ]
    schemas = [schema(name, found) for name, found in sorted(api["components"]["schemas"].items())]
    return f"{HEAD}## Operations\n\n{''.join(operations)}## Schemas\n\n{''.join(schemas)}"


def operation(method: str, path: str, found: dict[str, Any]) -> str:
    """What one operation takes and answers."""
    text = (found.get("description") or found.get("summary", "")).strip()
    parts = [f"### {method} {path} {{ #{found['operationId']} }}\n\n{text}\n\n"]
    if asked := found.get("parameters"):
        parts.append(
            table(
                ("parameter", "in", "value", "meaning"),
                [
                    (f"`{p['name']}`", p["in"], value(p["schema"]), p.get("description", ""))
                    for p in asked
                ],
            )
        )
    if body := found.get("requestBody"):
        parts.append(f"Body: {content(body['content'])}.\n")
        parts += [
            example(*named)
            for media in body["content"].values()
            for named in media.get("examples", {}).items()
        ]
    rows = [
        (
            f"**{status}**",
            answer["description"].replace("Successful Response", HTTPStatus(int(status)).phrase),
            headers(answer),
            content(answer.get("content", {})),
        )
        for status, answer in sorted(found["responses"].items())
    ]
    parts.append(table(("answer", "when", "headers", "body"), rows))
    return "\n".join(parts) + "\n"


def example(name: str, found: dict[str, Any]) -> str:
    """A body as the OpenAPI document shows it."""
    body = json.dumps(found["value"], indent=2)
    return f"\n{found.get('summary', name)}:\n\n```json\n{body}\n```\n\n"


def headers(answer: dict[str, Any]) -> str:
    """Each header with its meaning."""
    return "<br>".join(
        f"`{name}`: {header['description'].rstrip('.')}"
        for name, header in answer.get("headers", {}).items()
    )


def content(found: dict[str, Any]) -> str:
    """Media type and schema of a body."""
    said = []
    for media, inside in found.items():
        slugs = [slug for slug in inside.get("examples", {}) if media == "application/problem+json"]
        links = [f"[`{slug}`](problems.md#{slug})" for slug in slugs]
        said.append(", ".join(links) or f"`{media}` {value(inside.get('schema', {}))}".strip())
    return "; ".join(said)


def value(part: dict[str, Any]) -> str:
    """A schema in words, with links to the named ones."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    options = [option for key in ("anyOf", "oneOf", "allOf") for option in part.get(key, [])]
    if options:
        return " or ".join(dict.fromkeys(value(option) for option in options))
    if part.get("type") == "array":
        return f"list of {value(part.get('items', {}))}"
    if "const" in part:
        return f"`{part['const']}`"
    if not part or part == {"title": part.get("title")}:
        return "any JSON"
    bounds = limits(part)
    return f"{typed(part)}, {bounds}" if bounds else typed(part)


def schema(name: str, found: dict[str, Any]) -> str:
    """The fields of one schema."""
    head = f"### {name} {{ #{name.lower()} }}\n\n{found.get('description', '').strip()}\n\n"
    if "properties" not in found:
        return f"{head}{value(found)}.\n\n"
    required = found.get("required", [])
    rows = [
        (
            f"`{key}`",
            value(part),
            "always" if key in required else f"default `{shown(part.get('default'))}`",
            part.get("description", ""),
        )
        for key, part in found["properties"].items()
    ]
    return head + table(("field", "value", "given", "meaning"), rows) + "\n"
