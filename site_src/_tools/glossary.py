"""One vocabulary: its page, and a tooltip at each term's first use on a page."""

import re

from .data import Data

HEADING = re.compile(r"(<h[1-6].*?</h[1-6]>|<(?:pre|svg|table)\b.*?</(?:pre|svg|table)>)", re.S)
ABBR = re.compile(r'<abbr title="([^"]*)">(.*?)</abbr>', re.S)


def abbreviations(data: Data) -> str:
    """Markdown's abbreviations for all terms that want a tooltip."""
    return "\n".join(
        f"*[{spelling}]: {plain(term['means'])}"
        for name, term in data.terms.items()
        if term.get("tooltip", True)
        for spelling in [name, *term.get("also", [])]
    )


def plain(text: str) -> str:
    """One line without Markdown's signs."""
    return re.sub(r"[`*]", "", " ".join(text.split())).replace('"', "”")


def once(html: str) -> str:
    """Keep a term's first tooltip in running text; unwrap the others."""
    seen: set[str] = set()

    def keep(match: re.Match[str]) -> str:
        first = match[1] not in seen
        seen.add(match[1])
        return match[0] if first else match[2]

    parts = HEADING.split(html)
    return "".join(
        ABBR.sub(r"\2", part) if number % 2 else ABBR.sub(keep, part)
        for number, part in enumerate(parts)
    )


def page(data: Data) -> str:
    """The glossary as a definition list."""
    terms = [
        f"{name}\n:   {' '.join(term['means'].split())}"
        for name, term in sorted(data.terms.items(), key=lambda t: t[0].lower())
    ]
    return (
        "# Glossary\n\nOne word for one thing, in the guide, the code and the interface.\n\n"
        + "\n\n".join(terms)
        + "\n"
    )
