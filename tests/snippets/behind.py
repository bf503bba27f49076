"""The proxies of the guide, run from the guide's own files, with what a test changes in them."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from demo.local.servers import free_port
from tests.proxies import environment, program
from tests.stack import eventually

from .conftest import SNIPPETS

FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "envoy": "envoy.yaml"}
VERSION = {"nginx": "-v", "haproxy": "-v", "envoy": "--version"}
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")  # a package's folders are root's
Change = tuple[str, str]


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its address for HTTP/1.1 and for HTTP/2."""

    one: str
    two: str


def text(name: str) -> str:
    """The file as the guide prints it."""
    return (SNIPPETS / "proxies" / FILES[name]).read_text()


@contextmanager
def behind(
    name: str, upstream: str, folder: Path, changes: tuple[Change, ...] = ()
) -> Iterator[Proxy]:
    """Run the guide's file with other ports; each change replaces a text that must be there."""
    one, two = free_port(), free_port()
    config = text(name)
    for old, new in changes:
        assert old in config, f"{FILES[name]} has no {old}"
        config = config.replace(old, new)
    config = config.replace("8001", str(urlsplit(upstream).port))
    path = folder / FILES[name]
    path.write_text(_listening(name, config, one, two))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            _command(name, path), env=environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        said = (folder / "log").read_text
        eventually(lambda: _answers(one, running) and _answers(two, running), within=60)
        assert running.poll() is None, said()[-2000:]
        yield Proxy(f"http://127.0.0.1:{one}", f"http://127.0.0.1:{two}")
    finally:
        running.kill()
        running.wait()


def version(name: str) -> str:
    """What the program says that it is."""
    asked = [program(name), VERSION[name]]
    done = subprocess.run(asked, env=environment(), capture_output=True, text=True, check=True)
    found = re.search(r"(?<=/)\d+\.\d+\.\d+(?=/)|\d+\.\d+\.\d+", done.stdout + done.stderr)
    assert found, done.stdout + done.stderr
    return found[0]


def _listening(name: str, config: str, one: int, two: int) -> str:
    """A second address for HTTP/2 without TLS, as between a load balancer and its pods."""
    if name == "nginx":
        both = f"listen 127.0.0.1:{one};\n    listen 127.0.0.1:{two} http2;"
        there = "".join(f"  {one}_temp_path {one}_temp;\n" for one in TEMPORARY)
        config = config.replace("http {\n", "http {\n" + there)
        return config.replace("listen 127.0.0.1:8080;", both)
    if name == "haproxy":
        both = f"bind 127.0.0.1:{one}\n  bind 127.0.0.1:{two} proto h2"
        return config.replace("bind 127.0.0.1:8080", both)
    tree = yaml.safe_load(config)
    (first,) = tree["static_resources"]["listeners"]
    copies = [yaml.safe_load(yaml.safe_dump(first)) for _ in range(2)]
    for listener, port in zip(copies, (one, two), strict=True):
        listener["name"] = str(port)
        listener["address"]["socket_address"]["port_value"] = port
    tree["static_resources"]["listeners"] = copies
    return yaml.safe_dump(tree)


def _command(name: str, path: Path) -> list[str]:
    if name == "nginx":
        return [program(name), "-p", str(path.parent), "-e", "stderr", "-c", str(path)]
    if name == "haproxy":
        return [program(name), "-f", str(path)]
    # one worker thread, and no shared memory that another Envoy uses
    return [program(name), "-c", str(path), "--concurrency", "1", "--disable-hot-restart"]


def _answers(port: int, running: subprocess.Popen[bytes]) -> bool:
    if running.poll() is not None:
        return True
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
