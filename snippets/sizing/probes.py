"""What a running stack holds and costs, read from its processes and its database."""

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg2

from demo.local.programs import keys_of

BUSY = {"kind": "rehearsal", "input": {"steps": 2000, "step_seconds": 0.05, "log_lines": 3}}
NOTHING = {"kind": "rehearsal", "input": {"steps": 1, "step_seconds": 0}}
STEPS = {"kind": "rehearsal", "input": {"steps": 3, "step_seconds": 0}}
MIB = 2**20
LATE = 11.0  # seconds after which an idle connection of PostgreSQL has told what it did


class Stack:
    """A demo that `python -m demo up` started, by its address and its data folder."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def process(self, part: str) -> psutil.Process:
        return psutil.Process(int((self.data / "pids" / part).read_text()))

    def again(self, part: str, before: int, within: float = 60) -> None:
        """Wait until a part that ended is there again: an API that answers, a worker with slots.

        Raises:
            TimeoutError: nobody started it.
        """
        until = time.monotonic() + within
        while time.monotonic() < until:
            with suppress(psutil.NoSuchProcess, httpx.TransportError, ValueError):
                own = self.process(part)
                up = self.client.get("/readyz").is_success if part == "api" else own.children()
                if own.pid != before and up:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"the {part} did not come back within {within:.0f} s")

    def family(self, part: str) -> list[psutil.Process]:
        """The process and all that it started."""
        own = self.process(part)
        return [own, *own.children(recursive=True)]

    def cpu(self, part: str) -> float:
        """CPU seconds that a part has used."""
        return sum(sum(one.cpu_times()[:2]) for one in self.family(part))

    def memory(self, part: str) -> float:
        """MiB that are nobody else's."""
        return sum(one.memory_full_info().uss for one in self.family(part)) / MIB

    def port(self, server: str) -> int:
        """Where an embedded server listens."""
        connections = self.process(server).net_connections("tcp")
        return min(c.laddr.port for c in connections if c.status == "LISTEN")

    def submit(self, task: dict[str, Any]) -> dict[str, Any]:
        links: dict[str, Any] = (
            self.client.post("/tasks", json=task).raise_for_status().json()["links"]
        )
        return links

    def status(self, links: dict[str, Any]) -> str:
        return str(self.client.get(links["self"]).json()["status"])

    @contextmanager
    def busy(self, slots: int) -> Iterator[None]:
        """Every slot at work."""
        tasks = [self.submit(BUSY) for _ in range(slots)]
        while any(self.status(task) == "queued" for task in tasks):
            time.sleep(0.1)
        time.sleep(2)  # a few heartbeats and checkpoints of each
        yield
        for task in tasks:
            self.client.post(task["cancel"])
        while any(self.status(task) != "canceled" for task in tasks):
            time.sleep(0.1)

    def commits(self) -> int:
        """Transactions that the database has committed."""
        password = keys_of(self.data)["owner"]
        where = f"postgresql://postgres:{password}@127.0.0.1:{self.port('postgresql')}/postgres"
        connection = psycopg2.connect(where)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sum(xact_commit) FROM pg_stat_database")
                return int(cursor.fetchone()[0])
        finally:
            connection.close()


# --8<-- [start:measure]
def held(stack: Stack, servers: dict[int, str]) -> dict[str, float]:
    """Connections to each server (by its port), and the memory that is nobody else's, by part."""
    parts = {name: [stack.process(name)] for name in ("api", "dispatcher", "worker")}
    parts["slot"] = parts["worker"][0].children()
    found: dict[str, float] = {}
    for name, members in parts.items():
        for server in servers.values():
            links = [servers.get(port) for member in members for port in _peers(member)]
            found[f"{name}-{server}"] = round(links.count(server) / len(members))
        found[f"{name}-memory"] = max(one.memory_full_info().uss for one in members) / MIB
    return found


# --8<-- [end:measure]
def _peers(process: psutil.Process) -> list[int]:
    """The ports at the other ends of a process's connections."""
    links = process.net_connections("tcp")
    return [link.raddr.port for link in links if link.status == "ESTABLISHED"]


async def rate(stack: Stack, method: str, path: str, seconds: float, **sent: Any) -> float:
    """Answers for each second of CPU that the API used, with 16 connections open."""
    answered, until = 0, time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal answered
        while time.monotonic() < until:
            (await client.request(method, path, **sent)).raise_for_status()
            answered += 1

    before = stack.cpu("api")
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=30) as client:
        await asyncio.gather(*(ask(client) for _ in range(16)))
    return answered / (stack.cpu("api") - before)


async def stream(stack: Stack, path: str, number: int) -> tuple[float, float]:
    """KiB of one open stream, and the seconds the API takes to end with all of them."""
    host, port = stack.url.removeprefix("http://").split(":")
    path = urlsplit(path).path
    before = stack.memory("api")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(number)]
    for _, writer in opened:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    for reader, _ in opened:
        await reader.readuntil(b"id: ")
    each = (stack.memory("api") - before) * 1024 / number
    took = await asyncio.to_thread(drained, stack, "api")
    for _, writer in opened:
        writer.close()
    return each, took


def drained(stack: Stack, part: str) -> float:
    """Seconds from SIGTERM to the end of a process; the supervisor starts it again."""
    process, began = stack.process(part), time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    psutil.wait_procs([process], timeout=60)
    took = time.monotonic() - began
    stack.again(part, process.pid)
    return took


def uploaded(stack: Stack, rows: int) -> dict[str, Any]:
    """The profile of a CSV with so many rows, 19 bytes each or so."""
    lines = "".join(f"{row},{row % 97},name {row % 1000}\n" for row in range(rows))
    csv = f"number,group,name\n{lines}".encode()
    asked = {"size": len(csv), "sha256": hashlib.sha256(csv).hexdigest()}
    slot = stack.client.post("/uploads", json=asked).raise_for_status().json()
    how, upload = slot["transfer"], slot["id"]
    stack.client.put(how["url"], content=csv, headers=how["headers"]).raise_for_status()
    stack.client.post(f"/uploads/{upload}/complete").raise_for_status()
    return {"kind": "dataset_profile", "input": {"upload": upload}}


def kind_memory(stack: Stack, task: dict[str, Any]) -> float:
    """The most that a slot grew by while it did one task."""
    slots = stack.process("worker").children()
    before = {slot.pid: slot.memory_full_info().uss for slot in slots}
    links, most = stack.submit(task), 0
    while stack.status(links) in ("queued", "running"):
        grown = (slot.memory_full_info().uss - before[slot.pid] for slot in slots)
        most = max(most, *grown)
        time.sleep(0.02)
    return most / MIB


def commits_of_a_task(stack: Stack, number: int, seconds: float) -> float:
    """Transactions for a task of three steps, without those of a stack idle for some seconds."""
    time.sleep(LATE)
    first = stack.commits()
    time.sleep(seconds)
    second, began, asked = stack.commits(), time.monotonic(), 0
    tasks = [stack.submit(STEPS) for _ in range(number)]
    while stack.status(tasks[-1]) in ("queued", "running"):
        asked += 1
        time.sleep(0.2)
    time.sleep(LATE)
    idle = (second - first) / seconds * (time.monotonic() - began)
    return (stack.commits() - second - idle - asked) / number
