"""Checks of the built site that strict mode does not make."""

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, SoupStrainer, Tag

FOREIGN = re.compile(r"^(?:https?:)?//", re.I)
CSS_URL = re.compile(
    r"""url\(\s*['"]?((?:https?:)?//[^'")]+)|@import\s+['"]((?:https?:)?//[^'"]+)"""
)
STYLE = re.compile(r'\sstyle="([^"]*)"')
LOADS: dict[str, tuple[str, ...]] = {
    "link": ("href",),
    "style": (),
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
}
LINKS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch"}


def missing(site: Path, extra: list[str]) -> Iterator[str]:
    """Files that every page asks for."""
    for path in extra:
        if not FOREIGN.match(path) and not (site / path).is_file():
            yield f"mkdocs.yml: {path} is not in the site"


def foreign(site: Path) -> Iterator[str]:
    """Anything a browser would load from another host."""
    for path in sorted(site.rglob("*.html")):
        text = path.read_text("utf-8")
        soup = BeautifulSoup(text, "html.parser", parse_only=SoupStrainer([*LOADS]))
        urls = [url for url in loaded(soup) if FOREIGN.match(url)]
        styles = [*(style.text for style in soup.find_all("style")), *STYLE.findall(text)]
        urls += [url for style in styles for url in in_css(style)]
        yield from (f"{path.relative_to(site).as_posix()}: loads {url}" for url in urls)
    for path in sorted(site.rglob("*.css")):
        found = in_css(path.read_text("utf-8"))
        yield from (f"{path.relative_to(site).as_posix()}: loads {url}" for url in found)


def in_css(text: str) -> list[str]:
    """Addresses of other hosts in a style sheet."""
    return [match[1] or match[2] for match in CSS_URL.finditer(text)]


def loaded(soup: BeautifulSoup) -> Iterator[str]:
    """Every address that a page loads without being asked."""
    for tag in soup.find_all(list(LOADS)):
        if isinstance(tag, Tag) and (tag.name != "link" or LINKS & set(tag.get("rel") or [])):
            yield from (str(tag[name]) for name in LOADS[tag.name] if tag.has_attr(name))
