"""What pages say without typing it: facts, figures, terms, runs and the last recorded proofs."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

FACT = {"text", "source", "url", "checked", "expires"}


@dataclass(frozen=True)
class Data:
    """The files below `site_src/_data/`."""

    folder: Path
    today: date

    @classmethod
    def of(cls, docs: Path) -> "Data":
        """The data of one documentation folder, today."""
        return cls(docs / "_data", datetime.now(UTC).date())

    def _yaml(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return (yaml.safe_load(path.read_text("utf-8")) if path.exists() else None) or {}

    def _json(self, path: Path) -> dict[str, Any]:
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    @cached_property
    def facts(self) -> dict[str, dict[str, Any]]:
        """Statements of other people's documents, each with source and dates."""
        return self._yaml("facts.yml")

    @cached_property
    def terms(self) -> dict[str, dict[str, Any]]:
        """The project's vocabulary."""
        return self._yaml("glossary.yml")

    @cached_property
    def problems(self) -> dict[str, dict[str, Any]]:
        """Cause and cure of every problem type."""
        return self._yaml("problems.yml")

    @cached_property
    def threats(self) -> dict[str, dict[str, Any]]:
        """What can be attacked, and what stops it."""
        return self._yaml("threats.yml")

    @cached_property
    def checklist(self) -> dict[str, dict[str, str]]:
        """By area, the claims that are demands on any service, in words that stand alone."""
        return self._yaml("checklist.yml")

    @cached_property
    def proofs(self) -> dict[str, Any]:
        """The last recorded run of the tests that prove claims."""
        return self._json(self.folder / "proofs.json")

    @cached_property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Recorded measurements by file name."""
        return {
            path.stem: self._json(path) for path in sorted((self.folder / "figures").glob("*.json"))
        }

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """Recorded runs by file name."""
        return {
            path.stem: self._json(path) for path in sorted((self.folder / "runs").glob("*.json"))
        }

    @cached_property
    def plots(self) -> dict[str, dict[str, Any]]:
        """What is drawn as curves or bars, by file name."""
        return {
            path.stem: self._json(path) for path in sorted((self.folder / "plots").glob("*.json"))
        }

    def expired(self, key: str) -> bool:
        """Whether a fact must be checked again before anyone relies on it."""
        return bool(self.facts[key]["expires"] < self.today)

    def figure(self, key: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """A figure by `file.name`, with its recording's circumstances."""
        name, _, path = key.partition(".")
        entry = self.figures.get(name, {}).get("figures", {}).get(path)
        return (entry, self.figures[name]["recorded"]) if entry else None

    def wrong(self) -> list[str]:
        """Facts that lack a field or were never dated."""
        return [
            f"{self.folder.name}/facts.yml: {key} needs {', '.join(sorted(FACT - set(fact)))}"
            for key, fact in self.facts.items()
            if FACT - set(fact)
        ]


def circumstances(recorded: dict[str, Any]) -> str:
    """Date, machine and versions of a recording in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in recorded["versions"].items())
    commit = f", commit {recorded['commit']}" if recorded.get("commit") else ""
    return f"recorded {recorded['date'][:10]} on {recorded['machine']}{commit}; {versions}"
