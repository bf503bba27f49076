"""Turn `{kind:key}` into HTML: a small badge in the sentence, its proof in a popover."""

import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

from . import sequence, threats
from .checks import Site
from .data import circumstances
from .picture import picture
from .plot import plot
from .shared import RUNS

LEDGER = "reference/claims/"
FACTS = "reference/facts/"
WORDS = {
    "passed": ("Proved", "proof"),
    "failed": ("Broken", "broken"),
    "unrecorded": ("Tested, not recorded yet", "test"),
}


@dataclass
class Badges:
    """The markers of one page; `to_root` leads from the page to the site's root."""

    site: Site
    to_root: str
    cards: dict[str, str] = field(default_factory=dict)

    def replace(self, kind: str, key: str) -> str:
        """The HTML that stands for one marker."""
        try:
            return str(getattr(self, kind)(key))
        except (KeyError, TypeError, OSError):
            return f"<mark>{escape(kind)}: {escape(key)} is missing</mark>"

    def claim(self, key: str) -> str:
        """A badge that opens the tests behind a sentence."""
        tests = self.site.tests_of(key)
        outcome = state(self.site, key)
        rows = "".join(self._test(proof.id, key) for proof in tests)
        recorded = self.site.data.proofs.get("recorded")
        when = f"<p>{escape(circumstances(recorded))}</p>" if recorded else ""
        source = f'<p><a href="{self.to_root}{LEDGER}#{slug(key)}">Source of the proof</a></p>'
        verdict, word = WORDS[outcome]
        card = f"<p><b>{verdict}.</b> <code>{key}</code></p><ul>{rows}</ul>{when}{source}"
        return self._badge(f"claim-{key}", outcome, word, card)

    def _test(self, id: str, key: str) -> str:
        run = last_run(self.site, key).get(id)
        result = f"{run['outcome']} in {run['seconds']:.2g} s" if run else "no recorded run"
        path, _, name = id.partition("::")
        words = escape(name.rpartition("::")[2].removeprefix("test_").replace("_", " "))
        return f"<li>{words}: {result}<br><code>{escape(path)}</code></li>"

    def fact(self, key: str) -> str:
        """The fact's own words with its source."""
        return f"{self.site.data.facts[key]['text']}{self.source(key)}"

    def source(self, key: str) -> str:
        """The source of a fact, and whether it is due for another look."""
        fact = self.site.data.facts[key]
        old = self.site.data.expired(key)
        source = f'<a href="{escape(fact["url"])}" rel="noreferrer">{escape(fact["source"])}</a>'
        due = f"{'Expired' if old else 'To be checked again'} on {fact['expires']}"
        every = f'<a href="{self.to_root}{FACTS}#{slug(key)}">All facts</a>'
        card = f"<p>From {source}, checked on {fact['checked']}. {due}.</p><p>{every}</p>"
        return self._badge(
            f"fact-{key}", "expired" if old else "source", "old" if old else "source", card
        )

    def figure(self, key: str) -> str:
        """A recorded number with its unit; the circumstances open in place."""
        entry, recorded = self.site.data.figure(key) or ({}, {})
        told = circumstances(recorded)
        value = f'<data value="{entry["value"]}">{number(entry["value"])}</data>'
        unit = f" {escape(entry['unit'])}" if entry.get("unit") else ""
        card = f"<p>Measured: {escape(told)}.</p>"
        return f"{value}{unit}" + self._badge(f"figure-{key}", "figure", "measured", card, told)

    def picture(self, key: str) -> str:
        """A drawing of a recorded run."""
        return picture(self.site.data.runs, key)

    def plot(self, key: str) -> str:
        """Curves or bars of a recorded run, with the recording's circumstances."""
        data = self.site.data.plots[key]
        return f"{plot(data)}\n\n<small>{escape(circumstances(data['recorded']))}</small>"

    def widget(self, key: str) -> str:
        """The demo's own component, playing a recorded run until a stack answers."""
        task = self.site.data.runs[key]["task"]
        recorded = f"{self.to_root}{RUNS}/{key}.json"
        return (
            f'<task-stream recorded="{recorded}" kind="{escape(task["kind"])}" '
            f'input="{escape(json.dumps(task["input"]))}"></task-stream>'
        )

    def sequence(self, key: str) -> str:
        """A diagram of recorded exchanges, with the recording's circumstances."""
        recording = sequence.read(self.site.root, key)
        when = escape(circumstances(recording["recorded"]))
        drawn = f"```mermaid\n{sequence.diagram(recording)}\n```"
        return f"{drawn}\n\n<small>Drawn from what was {when}.</small>"

    def threats(self, key: str) -> str:
        """One group of the table of threats."""
        return threats.table(self.site, key, self.claim)

    def _badge(self, id: str, look: str, word: str, card: str, title: str = "") -> str:
        """A button that opens `card`; no script, no identifier twice on a page."""
        self.cards[slug(id)] = card
        tip = f' title="{escape(title)}"' if title else ""
        kind, _, key = id.partition("-")
        return (
            f'<button type="button" class="badge badge--{look}" popovertarget="{slug(id)}"{tip} '
            f'aria-label="{word}, {kind} {key}">{word}</button>'
        )

    def section(self) -> str:
        """All popovers of the page, as a list when printed."""
        cards = "".join(
            f'<div class="card" id="{id}" popover>{card}</div>' for id, card in self.cards.items()
        )
        return f'<div class="cards">{cards}</div>' if cards else ""


def slug(key: str) -> str:
    """An id for HTML and CSS."""
    return key.replace(".", "-")


def number(value: Any) -> str:
    """A number for reading: thin spaces between thousands, no `.0`."""
    return (
        f"{value:,}".replace(",", "\u202f").removesuffix(".0")
        if isinstance(value, int | float)
        else escape(str(value))
    )


def last_run(site: Site, claim: str) -> dict[str, dict[str, Any]]:
    """The recorded results of a claim's tests."""
    runs = site.data.proofs.get("proofs", {}).get(claim, [])
    return {run["test"]: run for run in runs}


def state(site: Site, claim: str) -> str:
    """`passed` only when every test that carries the claim passed in the recorded run."""
    recorded = last_run(site, claim)
    outcomes = {
        recorded.get(proof.id, {}).get("outcome", "unrecorded") for proof in site.tests_of(claim)
    }
    if "failed" in outcomes:
        return "failed"
    return "passed" if outcomes == {"passed"} else "unrecorded"
