"""Builds the guide beside the running stack when its sources have changed."""

import fcntl
import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path

from demo.local.children import ROOT, Child, say

SOURCES = ("mkdocs.yml", "site_src/**/*", "demo/**/*", "snippets/**/*", "tests/**/*")
NO_SOURCES = {"__pycache__", "vendor"}
BUILD = ROOT / "build" / "guide"
NEW, OLD = BUILD / "new", BUILD / "old"
SCRIPT = '"$0" -m site_src._tools.fetch && exec "$0" -m mkdocs build -q -d "$1"'


class Guide(Child):
    """One build in the background; the site is swapped in when it is complete."""

    _wanted = ""

    def __init__(self, data: Path, site: Path) -> None:
        command = ("/bin/sh", "-c", SCRIPT, sys.executable, NEW)
        super().__init__("guide", data, command, {**os.environ, "NO_MKDOCS_2_WARNING": "1"})
        self._site = site

    def begin(self) -> str:
        """Start a build unless the site is current; a remark for the table of addresses."""
        wanted, stamp = fingerprint(), self._site / ".sources"
        if stamp.is_file() and stamp.read_text() == wanted:
            return ""
        BUILD.mkdir(parents=True, exist_ok=True)
        self._turn = (BUILD / "lock").open("a")
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "   (another stack of this clone is building it)"
        self._wanted = wanted
        self.start()
        return "   (being built; the stack does not wait for it)"

    def check(self) -> None:
        """When the build has ended: swap the site in, or say what failed."""
        if not self._wanted or self.alive:
            return
        if self.ended == "exit code 0":
            self._put_in_place()
        else:
            say(f"The guide was not built ({self.ended}); {self.log} says why.")
        self._wanted = ""
        self._turn.close()

    def _put_in_place(self) -> None:
        try:
            (NEW / ".sources").write_text(self._wanted)
            if OLD.is_symlink():
                OLD.unlink()  # a site that was a link was moved away as one
            shutil.rmtree(OLD, ignore_errors=True)
            if self._site.exists():
                self._site.rename(OLD)
            NEW.rename(self._site)
        except OSError as error:  # the stack has better things to do than to end for it
            say(f"The guide is built in {NEW}, but not put in place: {error}")
        else:
            say("The guide is built.")


def fingerprint() -> str:
    """Changes when a source of the guide does."""
    files = (file for pattern in SOURCES for file in ROOT.glob(pattern) if file.is_file())
    states = ((file, file.stat()) for file in files if not NO_SOURCES & set(file.parts))
    seen = sorted(f"{file} {state.st_size} {state.st_mtime_ns}" for file, state in states)
    return sha256("\n".join(seen).encode()).hexdigest()
