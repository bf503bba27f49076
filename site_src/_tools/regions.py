"""Named regions of the files that pages include."""

import re
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"--8<-- \[(?P<edge>start|end):\s*(?P<name>[\w-]+)\]")
FOLDERS = ("demo", "snippets", "tests/bench/rivals")
TRANSCRIPTS = "snippets/transcripts"
TEMPLATES = "demo/deploy/chart/templates"  # pages show them as rendered
MOST = 4


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a file that a page may show."""

    path: str
    name: str
    line: int


def files(root: Path) -> list[Path]:
    """Text files that may hold regions."""
    found = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*"))]
    hidden = root / TEMPLATES
    return [
        p
        for p in found
        if p.is_file() and "__pycache__" not in p.parts and not p.is_relative_to(hidden)
    ]


def read(path: Path) -> str:
    """A file's text, or nothing when it is not text."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def regions(root: Path) -> tuple[list[Region], list[str]]:
    """All regions below the folders, and what is wrong with them."""
    found: list[Region] = []
    problems: list[str] = []
    for path in files(root):
        inside, wrong = scan(path.relative_to(root).as_posix(), read(path))
        found += inside
        problems += wrong
    return found, problems


def scan(path: str, text: str) -> tuple[list[Region], list[str]]:
    """The regions of one file."""
    open_: dict[str, Region] = {}
    found: list[Region] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        mark = MARK.search(line)
        if not mark:
            continue
        name = mark["name"]
        if mark["edge"] == "start":
            if any(region.name == name for region in found):
                problems.append(f"{path}:{number}: region {name!r} starts twice")
            open_[name] = Region(path, name, number)
            found.append(open_[name])
        elif open_.pop(name, None) is None:
            problems.append(f"{path}:{number}: region {name!r} ends but never started")
    problems += [
        f"{r.path}:{r.line}: region {r.name!r} has no [end:{r.name}]" for r in open_.values()
    ]
    if len(found) > MOST:
        problems.append(f"{path}:1: {len(found)} regions, at most {MOST} explain one file")
    return found, problems
