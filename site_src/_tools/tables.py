"""Reference tables read from the demo's own classes."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from demo.api.problems import PROBLEMS
from demo.contract import KINDS
from demo.settings import Settings

from .checks import Site

CODE = Path(__file__).parents[2] / "demo"
FAILURES = {"PermanentFailure", "TransientFailure", "refused"}  # a reader's own word for the first
BAR = re.compile(r"(`[^`]*`)|\|")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell(text) for text in line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Text that can't end its cell; in code a bar needs no backslash and would show it."""
    return BAR.sub(lambda found: found[1] or "\\|", " ".join(text.split()))


def settings() -> str:
    """Every `DEMO_*` variable, from the settings class."""
    schema = Settings.model_json_schema()["properties"]
    rows = [
        (
            f"`DEMO_{name.upper()}`",
            ", ".join(filter(None, (typed(schema[name]), limits(schema[name])))),
            default(field.get_default()),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\nEvery knob of the demo, read from its settings class. All have defaults "
        "that run locally; times are in seconds. Lists are comma separated.\n\n"
        + table(("variable", "value", "default", "reason"), rows)
    )


def default(value: Any) -> str:
    """A default as one would set it; secrets have none to show."""
    if value in (None, "", []) or str(value) == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`" if value else "none"
    return f"`{','.join(value) if isinstance(value, list) else value}`"


def kinds() -> str:
    """What can be submitted."""
    parts = [
        "# Kinds\n\nA kind is a sort of task: its input, its queue, and how long it may be silent. "
        "The demo ships real work and one stand-in for drills.\n"
    ]
    for name, kind in KINDS.items():
        schema = kind.input.model_json_schema()
        rows = [
            (
                f"`{key}`",
                typed(part),
                limits(part),
                "yes"
                if key in schema.get("required", [])
                else f"no, `{shown(part.get('default'))}`",
                part.get("description", ""),
            )
            for key, part in schema["properties"].items()
        ]
        parts.append(
            f"## `{name}` {{ #{name} }}\n\n{schema.get('description', '')} "
            f"Version {kind.version}, queue `{kind.queue}`, stalls after {kind.stall_timeout:g} s "
            f"without progress, {kind.retries} retries of transient failures.\n\n"
            + table(("field", "type", "limits", "required", "meaning"), rows)
        )
    return "\n".join(parts)


def shown(value: Any) -> str:
    """A default in JSON's words."""
    return "null" if value is None else str(value)


WORDS = {"null": "none", "boolean": "true or false", "array": "list"}


def typed(part: dict[str, Any]) -> str:
    """A JSON type in words."""
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(typed(option) for option in part["anyOf"]))
    if "enum" in part:
        return ", ".join(f"`{value}`".replace("\t", "\\t") for value in part["enum"])
    word = WORDS.get(part.get("type", "object"), part.get("type", "object"))
    return f"{word} ({part['format']})" if "format" in part else word


LIMITS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "maxLength": "length ≤"}


def limits(part: dict[str, Any]) -> str:
    """A JSON type's bounds."""
    parts = [part, *part.get("anyOf", [])]
    return ", ".join(
        f"{sign} {p[name]:g}" for p in parts for name, sign in LIMITS.items() if name in p
    )


def problems(site: Site) -> str:
    """Everything that can be refused or can fail, with cause and cure."""
    told = site.data.problems
    refused = [
        paragraph(slug, title, f"`{slug}`, HTTP {status}", told["requests"].get(slug, {}))
        for slug, (status, title) in PROBLEMS.items()
    ]
    failed = [
        paragraph(code.replace("_", "-"), entry["title"], f"`{code}`", entry)
        for code, entry in sorted(told["failures"].items())
    ]
    return (
        "# Problems\n\nWhat can go wrong, why, and what to do.\n\n## Refused requests\n\n"
        "Each is `application/problem+json` (RFC 9457). Its `type` is the address of one of these "
        f"paragraphs. Nothing was stored.\n\n{''.join(refused)}## Failed tasks\n\nThe monitor of a "
        "failed task has one of these in `error.code`. Failures that may pass are tried again "
        f"first, as often as the [kind](kinds.md) says.\n\n{''.join(failed)}"
    )


def paragraph(anchor: str, title: str, known: str, entry: dict[str, str]) -> str:
    """One problem."""
    return (
        f"### {title} {{ #{anchor} }}\n\n{known}.\n\n**Cause.** {entry.get('cause', '?')}\n\n"
        f"**Cure.** {entry.get('cure', '?')}\n\n"
    )


def untold(site: Site) -> Iterator[str]:
    """The problems page and the code name the same problems."""
    told = site.data.problems
    for kind, known in {"requests": set(PROBLEMS), "failures": codes()}.items():
        told_here = set(told.get(kind, {}))
        yield from (
            f"_data/problems.yml: {kind} lacks {key!r}" for key in sorted(known - told_here)
        )
        yield from (
            f"_data/problems.yml: {key!r} is not in the code" for key in sorted(told_here - known)
        )


@cache
def codes() -> set[str]:
    """Every `error.code` that the code can give a task."""
    found: set[str] = set()
    for path in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) in FAILURES
                and node.args
            ):
                found |= {str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)}
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    str(value.value)
                    for key, value in pairs
                    if isinstance(key, ast.Constant)
                    and key.value == "code"
                    and isinstance(value, ast.Constant)
                }
    return found
