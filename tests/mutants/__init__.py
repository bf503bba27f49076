"""Each guard of the table of threats broken once, in a copy: its test must fail."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.stack import ROOT

CATALOGUE = Path(__file__).with_name("catalogue.yml")
OWN = {".venv", "build", "site"}  # linked or left: what is built or installed is no guard of ours
LEFT = shutil.ignore_patterns(
    ".git", ".demo", ".*_cache", ".hypothesis", "__pycache__", "node_modules"
)


@dataclass(frozen=True)
class Mutant:
    """A guard's text, what it becomes, and who must notice."""

    threat: str
    says: str
    file: str
    find: str
    put: str
    test: str
    behind: str = ""  # the guard that stands behind this one

    def wrong(self) -> str:
        """Why it does not fit the sources any more; empty: it does."""
        if (times := (ROOT / self.file).read_text().count(self.find)) != 1:
            return f"{self.threat}, {self.says}: {times} times in {self.file}: {self.find!r}"
        path, _, name = self.test.partition("::")
        if f"def {name}(" not in (ROOT / path).read_text():
            return f"{self.threat}, {self.says}: no test {self.test}"
        return ""


def mutants() -> list[Mutant]:
    """The catalogue."""
    return [Mutant(**entry) for entry in yaml.safe_load(CATALOGUE.read_text())]


@contextmanager
def tree(mutant: Mutant | None = None) -> Iterator[Path]:
    """A copy of the repository, with the mutant's text or as it is."""
    with TemporaryDirectory(prefix="lro-mutant-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=_left, symlinks=True)
        Path(folder).chmod(0o755)  # servers of other users read in there
        (copy / "build").mkdir()
        for there in (ROOT / ".venv", *(ROOT / "build").glob("*")):
            if there.exists() and there.name != "guide":  # a copy builds its own
                (copy / there.relative_to(ROOT)).symlink_to(there.resolve())
        if mutant:
            path = copy / mutant.file
            path.write_text(path.read_text().replace(mutant.find, mutant.put))
        yield copy


def _left(folder: str, names: list[str]) -> set[str]:
    top = OWN if Path(folder) == ROOT else set()
    return LEFT(folder, names) | top
