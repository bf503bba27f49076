"""The rules of the guide, each as a function that returns what is wrong, with page and line."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import sequence, threats
from .data import Data
from .pages import Fence, Include, Marker, fences, loose, markers
from .regions import TRANSCRIPTS, Region, files, regions
from .tests import Proof, proofs


@dataclass
class Site:
    """What all written pages and all files say together."""

    root: Path
    data: Data
    fences: dict[str, list[Fence]] = field(default_factory=dict)
    includes: dict[str, list[Include]] = field(default_factory=dict)
    markers: dict[str, list[Marker]] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, docs: Path, pages: dict[str, str]) -> "Site":
        """Read everything once; `pages` holds each page's Markdown by its path."""
        site = cls(root, Data.of(docs))
        site.fences = {uri: fences(text) for uri, text in pages.items()}
        site.includes = {
            uri: loose(text) + [i for block in site.fences[uri] for i in block.includes]
            for uri, text in pages.items()
        }
        site.markers = {uri: markers(text) for uri, text in pages.items()}
        site.proofs = proofs(root)
        site.regions, site.problems = regions(root)
        rules = (typed, titles, includes, unused, unproved, unclaimed, unknown, expired, demands)
        for rule in (*rules, threats.wrong):
            site.problems += rule(site)
        site.problems += site.data.wrong()
        return site

    def claims(self) -> dict[str, list[tuple[str, Marker]]]:
        """Every claim with the pages that make it."""
        found: dict[str, list[tuple[str, Marker]]] = {}
        for uri, marker in (*self.all("claim"), *threats.claims(self)):
            found.setdefault(marker.key, []).append((uri, marker))
        return found

    def all(self, kind: str) -> Iterator[tuple[str, Marker]]:
        """All markers of one kind, with their page."""
        for uri, found in self.markers.items():
            yield from ((uri, marker) for marker in found if marker.kind == kind)

    def exists(self, include: Include) -> bool:
        """Whether an include can be resolved."""
        known = {(region.path, region.name) for region in self.regions}
        whole = (self.root / include.path).is_file()
        return whole and (not include.region or (include.path, include.region) in known)

    def tests_of(self, claim: str) -> list[Proof]:
        """The tests that carry a claim's id."""
        return [proof for proof in self.proofs if proof.claim == claim]


def typed(site: Site) -> Iterator[str]:
    """No code is typed into a page."""
    for uri, blocks in site.fences.items():
        for block in blocks:
            if block.language == "mermaid":
                continue
            if not block.includes:
                yield f"{uri}:{block.line}: this block comes from no file"
            yield from (f"{uri}:{n}: typed into a block: {t.strip()!r}" for n, t in block.typed)


def includes(site: Site) -> Iterator[str]:
    """Each include names a file and a region that exist."""
    for uri, found in site.includes.items():
        for include in found:
            if not (site.root / include.path).is_file():
                yield f"{uri}:{include.line}: no file {include.path}"
            elif not site.exists(include):
                yield f"{uri}:{include.line}: no region {include.region!r} in {include.path}"


def titles(site: Site) -> Iterator[str]:
    """A block's title is its file's path, which the build adds."""
    for uri, blocks in site.fences.items():
        yield from (f"{uri}:{b.line}: leave the title out" for b in blocks if "title=" in b.info)


def unused(site: Site) -> Iterator[str]:
    """Every region and every transcript is shown on some page."""
    shown = {(i.path, i.region) for found in site.includes.values() for i in found}
    shown |= {(sequence.path(marker.key), None) for _, marker in site.all("sequence")}
    for region in site.regions:
        if (region.path, region.name) not in shown:
            yield f"{region.path}:{region.line}: no page shows region {region.name!r}"
    for path in files(site.root):
        name = path.relative_to(site.root).as_posix()
        if name.startswith(TRANSCRIPTS) and (name, None) not in shown:
            yield f"{name}:1: no page shows this transcript"


def unproved(site: Site) -> Iterator[str]:
    """Each claim has a test."""
    tested = {proof.claim for proof in site.proofs}
    for uri, marker in site.all("claim"):
        if marker.key not in tested:
            yield f"{uri}:{marker.line}: no test carries the claim {marker.key!r}"


def unclaimed(site: Site) -> Iterator[str]:
    """Each test's claim is made on a page."""
    claims = site.claims()
    for proof in site.proofs:
        if proof.claim not in claims:
            yield f"{proof.path}:{proof.line}: no page makes the claim {proof.claim!r}"


def demands(site: Site) -> Iterator[str]:
    """Each line of the checklist is a claim."""
    claims = site.claims()
    for asked in site.data.checklist.values():
        for key in asked.keys() - claims.keys():
            yield f"_data/checklist.yml: no page makes the claim {key!r}"


def unknown(site: Site) -> Iterator[str]:
    """Facts, figures and pictures that pages name exist."""
    known = {
        "fact": site.data.facts.__contains__,
        "source": site.data.facts.__contains__,
        "figure": lambda key: site.data.figure(key) is not None,
        "picture": site.data.runs.__contains__,
        "plot": site.data.plots.__contains__,
        "widget": site.data.runs.__contains__,
        "sequence": lambda key: (site.root / sequence.path(key)).is_file(),
    }
    for kind, exists in known.items():
        for uri, marker in site.all(kind):
            if not exists(marker.key):
                yield f"{uri}:{marker.line}: no {kind} {marker.key!r} is recorded"


def expired(site: Site) -> Iterator[str]:
    """For publication only: no fact is past its date."""
    if os.environ.get("PUBLISH") == "1" and not site.data.wrong():
        for key, fact in site.data.facts.items():
            if site.data.expired(key):
                yield f"_data/facts.yml: {key} expired on {fact['expires']}: check {fact['url']}"
