"""Pages generated from code and data: what can be listed is never written by hand."""

from collections.abc import Callable

from . import glossary
from .checklist import checklist
from .checks import Site
from .data import circumstances
from .http_api import http_api
from .markers import last_run, slug, state
from .tables import kinds, problems, settings, table

MARKS = {"passed": "✓ proved", "failed": "✗ broken", "unrecorded": "○ not recorded yet"}


def pages(site: Site) -> dict[str, str]:
    """The Markdown of each generated page by its path."""
    makers: dict[str, Callable[[Site], str]] = {
        "glossary.md": lambda site: glossary.page(site.data),
        "guides/checklist.md": checklist,
        "reference/claims.md": claims,
        "reference/facts.md": facts,
        "reference/http.md": lambda _: http_api(),
        "reference/settings.md": lambda _: settings(),
        "reference/kinds.md": lambda _: kinds(),
        "reference/problems.md": problems,
    }
    return {uri: maker(site) for uri, maker in makers.items()}


def claims(site: Site) -> str:
    """The ledger: every sentence that a test stands for, and the test itself."""
    recorded = site.data.proofs.get("recorded")
    when = (
        circumstances(recorded).replace("recorded", "Recorded", 1)
        if recorded
        else "No run is recorded yet"
    )
    made = sorted(site.claims())
    told = f"{len(made)} sentences of the guide, each with the tests that prove it. {when}."
    return f"# Claims\n\n{told}\n\n" + "\n".join(claim(site, key) for key in made)


def claim(site: Site, key: str) -> str:
    """One claim: its words, where they stand, its tests with their source."""
    made = site.claims()[key]
    where = ", ".join(
        f"[{uri}:{marker.line}](../{uri})" for uri, marker in made if uri in site.markers
    )
    tests = "\n".join(
        f'??? quote "{proof.name}: {result(site, key, proof.id)}"\n\n'
        f'    ````python title="{proof.path}"\n{indented(proof.source(site.root))}\n    ````\n'
        for proof in site.tests_of(key)
    )
    return (
        f"## `{key}` {{ #{slug(key)} }}\n\n{MARKS[state(site, key)]}. “{made[0][1].sentence}”\n"
        f"Said on {where}.\n\n{tests}\n"
    )


def result(site: Site, key: str, test: str) -> str:
    """What the last recorded run said of one test."""
    run = last_run(site, key).get(test)
    return f"{run['outcome']} in {run['seconds']:.2g} s" if run else "not recorded yet"


def indented(text: str) -> str:
    """A block inside a block."""
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def facts(site: Site) -> str:
    """All facts from other people's documents, those that are due first."""
    data = site.data
    known = sorted(data.facts.items(), key=lambda item: str(item[1].get("expires")))
    rows = [
        (
            f'<span id="{slug(key)}">{key}</span>',
            fact["text"],
            f"[{fact['source']}]({fact['url']}), checked {fact['checked']}",
            f"{fact['expires']}{' **expired**' if data.expired(key) else ''}",
        )
        for key, fact in known
        if not data.wrong()
    ]
    return (
        "# Facts\n\nWhat the guide takes from documents of others, because it can't be run here. "
        "Each was read on the day given and is due for another look on the day it expires.\n\n"
        + table(("fact", "says", "source", "expires"), rows)
    )
