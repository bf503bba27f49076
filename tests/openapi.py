"""The committed OpenAPI document: `python -m tests.openapi` writes it, unless that breaks clients.

A breaking change is written only under a new first number of `info.version`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo.api.app import create_app

Part = dict[str, Any]
COMMITTED = Path(__file__).parents[1] / "demo" / "api" / "openapi.json"
METHODS = ("get", "put", "post", "delete", "patch")


def text(document: Part) -> str:
    """As the file holds it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def breaking(old: Part, new: Part) -> list[str]:
    """What a client of the old document can no longer rely on, none under a new major version."""
    if major(new) > major(old):
        return []
    return sorted(set(_operations(old, new)))


def major(document: Part) -> int:
    """The first number of the API's version."""
    return int(document["info"]["version"].split(".")[0])


def _operations(old: Part, new: Part) -> Iterator[str]:
    for path, item in old["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            name = f"{method.upper()} {path}"
            if (after := new["paths"].get(path, {}).get(method)) is None:
                yield f"{name}: removed"
            else:
                yield from _operation(_Pair(old, new), name, item[method], after)


def _operation(pair: "_Pair", name: str, old: Part, new: Part) -> Iterator[str]:
    if old["operationId"] != new["operationId"]:
        yield f"{name}: operationId was {old['operationId']}"
    had = {(p["in"], p["name"]): p for p in old.get("parameters", [])}
    has = {(p["in"], p["name"]): p for p in new.get("parameters", [])}
    for key in had.keys() - has.keys():
        yield f"{name}: parameter {key[1]} removed"
    for key, parameter in has.items():
        required = parameter.get("required", False)
        if required and not had.get(key, {}).get("required", False):
            yield f"{name}: parameter {key[1]} required"
        if key in had:
            yield from pair.asked(f"{name}: {key[1]}", had[key]["schema"], parameter["schema"])
    yield from _bodies(pair, name, old, new)
    for status, answer in old["responses"].items():
        if status not in new["responses"]:
            if status < "400":
                yield f"{name}: {status} removed"
            continue
        told = new["responses"][status]
        for header in answer.get("headers", {}).keys() - told.get("headers", {}).keys():
            yield f"{name} {status}: header {header} removed"
        for media, content in answer.get("content", {}).items():
            if media not in told.get("content", {}):
                yield f"{name} {status}: {media} removed"
                continue
            after = told["content"][media]
            yield from pair.told(f"{name} {status}", content.get("schema"), after.get("schema"))
            for example in content.get("examples", {}).keys() - after.get("examples", {}).keys():
                if status >= "400":
                    yield f"{name} {status}: problem {example} removed"


def _bodies(pair: "_Pair", name: str, old: Part, new: Part) -> Iterator[str]:
    had, has = old.get("requestBody", {}), new.get("requestBody", {})
    if has.get("required", False) and not had.get("required", False):
        yield f"{name}: body required"
    for media, content in had.get("content", {}).items():
        if media not in has.get("content", {}):
            yield f"{name}: body {media} removed"
        else:
            after = has["content"][media]
            yield from pair.asked(f"{name}: body", content["schema"], after["schema"])


class _Pair:
    """Compares schemas of two documents, each `$ref` in its own."""

    def __init__(self, old: Part, new: Part) -> None:
        self._old, self._new = old, new

    def told(self, place: str, old: Part | None, new: Part | None) -> Iterator[str]:
        """An answer may gain members and lose none; its values stay of the kinds they were."""
        yield from self._compare(place, old, new, asked=False)

    def asked(self, place: str, old: Part | None, new: Part | None) -> Iterator[str]:
        """A request may leave out more than before; nothing that was accepted is refused."""
        yield from self._compare(place, old, new, asked=True)

    def _compare(
        self, place: str, old: Part | None, new: Part | None, *, asked: bool
    ) -> Iterator[str]:
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        yield from _values(place, old, new, asked=asked)
        had, has = old.get("properties", {}), new.get("properties", {})
        for member in had.keys() - has.keys():
            yield f"{place}.{member}: removed"
        if asked:
            for member in set(new.get("required", [])) - set(old.get("required", [])):
                yield f"{place}.{member}: required"
        else:
            for member in set(old.get("required", [])) - set(new.get("required", [])):
                yield f"{place}.{member}: no longer always there"
        for member in had.keys() & has.keys():
            yield from self._compare(f"{place}.{member}", had[member], has[member], asked=asked)
        if "items" in old and "items" in new:
            yield from self._compare(f"{place}[]", old["items"], new["items"], asked=asked)
        for key in ("oneOf", "anyOf"):
            had = {_name(option): option for option in old.get(key, [])}
            has = {_name(option): option for option in new.get(key, [])}
            for option in had.keys() - has.keys():
                yield f"{place}: {option} removed"
            for option in has.keys() - had.keys():
                if not asked:
                    yield f"{place}: {option} added"
            for option in had.keys() & has.keys():
                yield from self._compare(place, had[option], has[option], asked=asked)


TIGHTER_WHEN_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
TIGHTER_WHEN_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def _values(place: str, old: Part, new: Part, *, asked: bool) -> Iterator[str]:
    for key in ("type", "format", "const", "pattern"):
        if old.get(key) != new.get(key) and (asked or key != "pattern"):
            yield f"{place}: {key} was {old.get(key)}"
    for value in set(old.get("enum", [])) - set(new.get("enum", [])):
        yield f"{place}: {value} removed"
    if "enum" in new and "enum" not in old and asked:
        yield f"{place}: an enum now"
    if asked:
        for keys, sign in ((TIGHTER_WHEN_LOWER, 1), (TIGHTER_WHEN_HIGHER, -1)):
            for key in keys:
                if key in new and (key not in old or sign * new[key] < sign * old[key]):
                    yield f"{place}: {key} tighter"
        if new.get("additionalProperties") is False and "additionalProperties" not in old:
            yield f"{place}: other members refused"


def _resolved(document: Part, schema: Part | None) -> Part:
    while schema and "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema or {}


def _name(option: Part) -> str:
    return str(option.get("$ref", option.get("type"))).rpartition("/")[2]


def main() -> None:
    """Write the document, or say what would break."""
    made = create_app().openapi()
    if COMMITTED.exists() and (found := breaking(json.loads(COMMITTED.read_text()), made)):
        print("This breaks clients; raise the first number of info.version:", *found, sep="\n  ")
        sys.exit(1)
    COMMITTED.write_text(text(made))


if __name__ == "__main__":
    main()
