"""The table of threats: each with its rule, its code, the attack, the standards and the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .pages import Marker

if TYPE_CHECKING:
    from .checks import Site

GROUPS = ("outbound", "identity", "browser", "abuse", "inside")
NEEDED = {"group", "threat", "rule", "code", "asvs", "api"}
HEAD = "| Threat | What stops it | Code and attack | ASVS 5.0 · API 2023 | Shown by |"


def claim(id: str) -> str:
    """The claim that a threat's tests carry."""
    return f"threat.{id.lower()}"


def of(site: Site, group: str) -> dict[str, dict[str, Any]]:
    """One group's threats."""
    return {id: told for id, told in site.data.threats.items() if told.get("group") == group}


def claims(site: Site) -> Iterator[tuple[str, Marker]]:
    """What a page claims by showing a group: the rule of each threat that is not open."""
    for uri, marker in site.all("threats"):
        for id, told in of(site, marker.key).items():
            if not told.get("open"):
                yield uri, Marker(marker.line, "claim", claim(id), str(told["rule"]))


def table(site: Site, group: str, badge: Callable[[str], str]) -> str:
    """A group as a Markdown table; raises KeyError for an unknown one."""
    if group not in GROUPS:
        raise KeyError(group)
    lines = [HEAD, "| --- | --- | --- | --- | --- |"]
    for id, told in of(site, group).items():
        attack = [f"snippets/attacks/{told['attack']}.py"] if "attack" in told else []
        files = "<br>".join(f"`{path}`" for path in [*told["code"], *attack])
        api = ", ".join(f"API{number}" for number in told["api"])
        shown = "not yet" if told.get("open") else badge(claim(id))
        shown += broken(site, id)
        named = f'<span id="threat-{id.lower()}">**{id}**</span> {told["threat"]}'
        lines.append(
            f"| {named} | {told['rule']} | {files} | {', '.join(told['asvs'])} · {api} | {shown} |"
        )
    return "\n".join(lines)


def broken(site: Site, id: str) -> str:
    """What the test said when the guard was broken, if that was recorded."""
    came = site.data.figures.get("mutants", {}).get("threats", {}).get(id, [])
    said = ", ".join(f"{one} {came.count(one)}" for one in dict.fromkeys(came))
    return f"<br><small>guard broken: {said}</small>" if said else ""


def wrong(site: Site) -> Iterator[str]:
    """Each threat is complete, its files exist, a page shows it; open means without a test."""
    shown = {marker.key for _, marker in site.all("threats")}
    tested = {proof.claim for proof in site.proofs}
    for id, told in site.data.threats.items():
        where = f"_data/threats.yml: {id}"
        if lacking := NEEDED - told.keys():
            yield f"{where} needs {', '.join(sorted(lacking))}"
            continue
        attack = [f"snippets/attacks/{told['attack']}.py"] if "attack" in told else []
        for path in [*told["code"], *attack]:
            if not (site.root / path).exists():
                yield f"{where}: no file {path}"
        if told["group"] not in shown:
            yield f"{where}: no page shows the group {told['group']!r}"
        if bool(told.get("open")) == (claim(id) in tested):
            yield f"{where}: " + (
                "a test carries it, so it is not open"
                if told.get("open")
                else f"no test carries the claim {claim(id)!r}"
            )
