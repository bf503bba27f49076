"""The demands that a service can be held to, by area, as a list for review and for print."""

from .checks import Site
from .markers import WORDS, slug, state
from .pages import Marker

HEAD = """# Checklist

{count} demands on a service that runs long tasks behind HTTP, made from the claims of this guide.
The demo keeps each of them; the proof is a test. Print it, take it to a review, and ask of every
line: which of our tests shows it?
"""


def checklist(site: Site) -> str:
    """The page."""
    claims = site.claims()
    areas = {
        title: [item(site, key, words, page(claims[key])) for key, words in demands.items()]
        for title, demands in site.data.checklist.items()
        if demands.keys() <= claims.keys()  # else the build has said so
    }
    lists = "\n\n".join(f"## {title}\n\n" + "\n".join(items) for title, items in areas.items())
    return f"{HEAD.format(count=sum(map(len, areas.values())))}\n{lists}\n"


def page(made: list[tuple[str, Marker]]) -> str:
    """Where a claim is explained: in a guide, if one makes it."""
    return min((uri for uri, _ in made), key=lambda uri: not uri.startswith("guides/"))


def item(site: Site, key: str, words: str, uri: str) -> str:
    """A line to tick, where it is explained, and its proof."""
    proof = f"[{WORDS[state(site, key)][1]}](../reference/claims.md#{slug(key)})"
    return f'- <label><input type="checkbox"> {words}</label> [why](../{uri}), {proof}'
