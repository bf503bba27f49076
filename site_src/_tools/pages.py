"""Read a page's Markdown: its fences, its includes, its markers, with line numbers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")
INCLUDE = re.compile(r'^--8<-- "(?P<path>[^":]+)(?::(?P<region>[\w-]+))?"$')
MARKER = re.compile(
    r"\{(?P<kind>claim|fact|source|figure|picture|plot|widget|sequence|threats):(?P<key>[a-z0-9][\w.-]*)\}"
)
SPAN = re.compile(r"(?P<span>(?P<ticks>`+).+?(?P=ticks))|" + MARKER.pattern)
TITLE = re.compile(r'title="([^"]*)"')
SENTENCE = re.compile(r"(?:^|(?<=[.!?:])\s+|(?<=\})\s+)([^.!?]*(?:[.!?](?!\s)[^.!?]*)*[.!?]?)\s*$")


@dataclass(frozen=True, slots=True)
class Include:
    """One `--8<--` line."""

    line: int
    path: str
    region: str | None


@dataclass(slots=True)
class Fence:
    """One fenced block."""

    line: int
    info: str
    body: list[tuple[int, str]] = field(default_factory=list)

    @property
    def language(self) -> str:
        """The first word behind the ticks."""
        return self.info.split()[0] if self.info.split() else ""

    @property
    def includes(self) -> list[Include]:
        """The files this block is made of."""
        found = ((number, INCLUDE.match(text.strip())) for number, text in self.body)
        return [Include(number, m["path"], m["region"]) for number, m in found if m]

    @property
    def typed(self) -> list[tuple[int, str]]:
        """Lines that come from no file."""
        return [(n, t) for n, t in self.body if t.strip() and not INCLUDE.match(t.strip())]


@dataclass(frozen=True, slots=True)
class Marker:
    """One `{kind:key}` in prose."""

    line: int
    kind: str
    key: str
    sentence: str


def split(text: str) -> Iterator[tuple[int, str, Fence | None, bool]]:
    """Each line with its number, the fence it belongs to, and whether it opens that fence."""
    fence: Fence | None = None
    ticks = ""
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if fence is None and found:
            fence, ticks = Fence(number, found["info"].strip()), found["ticks"]
            yield number, line, fence, True
        elif fence is not None and found and found["ticks"].startswith(ticks) and not found["info"]:
            yield number, line, fence, False
            fence = None
        else:
            if fence is not None:
                fence.body.append((number, line))
            yield number, line, fence, False


def fences(text: str) -> list[Fence]:
    """All fenced blocks of a page."""
    return [fence for _, _, fence, opens in list(split(text)) if fence is not None and opens]


def loose(text: str) -> list[Include]:
    """Includes outside of blocks: tables that a program wrote."""
    lines = ((n, INCLUDE.match(line.strip())) for n, line, fence, _ in split(text) if fence is None)
    return [Include(n, m["path"], m["region"]) for n, m in lines if m]


def markers(text: str) -> list[Marker]:
    """All markers outside of code, each with the sentence it ends."""
    found = []
    paragraph = ""
    for number, line, fence, _ in split(text):
        if fence is not None or not line.strip():
            paragraph = ""
            continue
        before = paragraph
        for match in SPAN.finditer(line):
            if match["kind"]:
                lead = f"{before} {line[: match.start()]}"
                found.append(Marker(number, match["kind"], match["key"], sentence(lead)))
        paragraph = f"{before} {line.strip()}"
    return found


def sentence(lead: str) -> str:
    """The last sentence of a text, without Markdown's signs."""
    lead = re.split(r"(?:^|\s)(?:[-*+]|\d+\.)\s+|\|", lead.strip().rstrip("|"))[-1]
    end = SENTENCE.search(lead.strip())
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", end[1] if end else lead)
    return MARKER.sub("", plain).replace("**", "").strip()


def translate(
    text: str, replace: Callable[[str, str], str], exists: Callable[[Include], bool]
) -> str:
    """The page with its markers replaced, and each block titled with its file's path."""
    blocks = iter(fences(text))
    out = []
    for number, line, fence, opens in split(text):
        found = INCLUDE.match(line.strip())
        if found and not exists(Include(number, found["path"], found["region"])):
            out.append(f"missing: {found['path']}")
        elif opens:
            out.append(titled(line, next(blocks)))
        elif fence is None:
            out.append(
                SPAN.sub(lambda m: replace(m["kind"], m["key"]) if m["kind"] else m[0], line)
            )
        else:
            out.append(line)
    return "\n".join(out)


def titled(line: str, fence: Fence) -> str:
    """The opening line of a block with `title="path"` added when its file is known."""
    paths = dict.fromkeys(include.path for include in fence.includes)
    if fence.language == "mermaid" or not paths or TITLE.search(fence.info):
        return line
    return f'{line.rstrip()} title="{", ".join(paths)}"'
