"""The browser of the tests: Playwright's own, else an installed one, else the system's package.

`python -m tests.browser` sees to it that there is one; a test that finds none fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
# the browser's own traffic to its maker would be a foreign request
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOG = Path("build/browser.log")
PACKAGES = (
    ("apt-get", "update"),
    ("apt-get", "install", "-y", "--no-install-recommends", "chromium"),
    ("dnf", "install", "-y", "chromium"),
    ("apk", "add", "chromium"),
    ("pacman", "-S", "--noconfirm", "chromium"),
    ("zypper", "--non-interactive", "install", "chromium"),
)


def launch(playwright: Playwright) -> Browser:
    """Start the first browser that starts."""
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    faults = []
    for path in _found(playwright):
        try:
            return playwright.chromium.launch(
                executable_path=path, args=[*QUIET, *as_root], timeout=120_000
            )
        except Error as error:
            faults.append(f"{path}: {error}")
    raise AssertionError("\n".join(["No browser starts: see `make test`.", *faults]))


def _found(playwright: Playwright) -> Iterator[str]:
    paths = (playwright.chromium.executable_path, *map(shutil.which, NAMES), *APPLICATIONS)
    return (path for path in paths if path and Path(path).exists())


def _starts() -> bool:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except AssertionError:
            return False
        print(f"The tests use {browser.browser_type.name} {browser.version}.", flush=True)
        browser.close()
    return True


def _download() -> None:
    print("Downloading Playwright's browser.", flush=True)
    environment = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "20000", **os.environ}
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        ended = subprocess.run(command, env=environment, check=False, stdout=log, stderr=log)
    if ended.returncode:
        print(f"That failed ({LOG} says why); an installed browser will do.", flush=True)


def _install() -> None:
    for command in PACKAGES:
        if os.geteuid() == 0 and shutil.which(command[0]):
            print("Installing a browser:", *command, flush=True)
            subprocess.run(command, check=False)


def _owned() -> bool:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def main() -> int:
    """Find or install; the exit code says whether a browser starts now."""
    if not _owned():
        _download()
    if _starts():
        return 0
    _install()
    if _starts():
        return 0
    print("No browser starts: install Chromium, Chrome or Edge.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
