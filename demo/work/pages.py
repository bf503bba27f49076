"""One HTML page into facts and links; everything a page can grow is bounded."""

import re
import warnings
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.builder._htmlparser import BeautifulSoupHTMLParser, HTMLParserTreeBuilder
from bs4.exceptions import ParserRejectedMarkup

from demo.contract import Page

DEEPEST, MOST_TAGS, MOST_LINKS = 500, 60_000, 2000
TITLE, DESCRIPTION, HEADING, HEADINGS = 200, 300, 100, 8
LONGEST_URL = 400


class TooComplex(Exception):
    """More tags, or deeper ones, than a page for people has."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page says: `facts` go to the result, `links` into the crawl."""

    facts: dict[str, Any]
    links: list[str]


# --8<-- [start:bounded]
class OnePass(BeautifulSoupHTMLParser):
    """Reads the markup once."""

    def close(self) -> None:
        """Nothing: the parser's second look at an unfinished end takes quadratic time."""


class Builder(HTMLParserTreeBuilder):
    """Builds the tree from one pass."""

    def feed(self, markup: Any, _parser_class: Any = OnePass) -> None:
        """As the parent, with the other parser."""
        super().feed(markup, _parser_class)


class Bounded(BeautifulSoup):
    """A parser that gives up on a bomb instead of building it."""

    _tags = 0

    def __init__(self, markup: bytes) -> None:
        super().__init__(markup, builder=Builder())

    def handle_starttag(self, *args: Any, **named: Any) -> Tag | None:
        """Called by the parser for each tag."""
        self._count()
        return super().handle_starttag(*args, **named)

    def handle_endtag(self, *args: Any, **named: Any) -> None:
        """The same; an end without a start searches all that is open."""
        self._count()
        super().handle_endtag(*args, **named)

    def _count(self) -> None:
        self._tags += 1
        if self._tags > MOST_TAGS or len(self.tagStack) > DEEPEST:
            raise TooComplex


# --8<-- [end:bounded]


def read(page: Page) -> Reading:
    """Parse a page.

    Raises:
        TooComplex: it is a bomb, or might be one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # markup that looks like XML, or like a URL
        try:
            soup = Bounded(page.body)
        except ParserRejectedMarkup:
            raise TooComplex from None
    base = urljoined(page.url, _attribute(soup.find("base", href=True), "href"))
    anchors = soup("a", href=True)
    links = {clean(urljoined(base, str(a["href"]))): None for a in anchors[:MOST_LINKS]}
    described = soup.find("meta", attrs={"name": "description"})
    headings = soup(["h1", "h2", "h3"], limit=HEADINGS)
    facts = {
        "title": clipped(soup.title.get_text() if soup.title else "", TITLE),
        "description": clipped(_attribute(described, "content"), DESCRIPTION),
        "headings": [clipped(heading.get_text(" "), HEADING) for heading in headings],
        "links": len(anchors),
        "images": len(soup("img")),
        "words": len(soup.get_text(" ").split()),
    }
    return Reading(facts, [link for link in links if link])


def _attribute(tag: object, name: str) -> str:
    return str(tag.get(name) or "") if isinstance(tag, Tag) else ""


def clipped(text: str, most: int) -> str:
    """One line without control characters, of at most so many bytes."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 20 * most]).split())
    return line.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore")


def urljoined(base: str, reference: str) -> str:
    """The absolute URL, or nothing."""
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""


# --8<-- [start:links]
def clean(url: str) -> str:
    """One spelling for one page, without fragment; empty for what is no page of the web."""
    try:
        parts = urlsplit(urldefrag(url).url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in {None, 80 if parts.scheme == "http" else 443} else f":{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?") if parts.query else ""
    return f"{parts.scheme}://{host}{shown}{path}{query}"


def folder_of(url: str) -> str:
    """Up to the last slash of the path."""
    return url.partition("?")[0].rpartition("/")[0] + "/"


def within(url: str, start: str) -> bool:
    """Below the start's folder, also for a server that decodes before it resolves dots."""
    if len(url) > LONGEST_URL:
        return url == start
    path = unquote(url.partition("?")[0])
    climbs = re.search(r"(^|[/\\])\.\.?([/\\]|$)|%|\\", path)
    return url.startswith(folder_of(start)) and not climbs


# --8<-- [end:links]
