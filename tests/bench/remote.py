"""Processes of ours that are asked by lines of JSON: load and readers must not share our time."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Self

import uvloop

from tests.stack import ROOT

LONGEST = 2**28


class Remote:
    """One such process; it ends when its input does."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Let it do something; returns its answer."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([do, arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{do}: the process ended with {self._process.wait(5)}")
        return json.loads(answer)


def serve(**handlers: Callable[..., Awaitable[Any]]) -> None:
    """Answer what is asked until nobody asks any more."""
    uvloop.run(_answer(handlers))


async def _answer(handlers: dict[str, Callable[..., Awaitable[Any]]]) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        do, arguments = json.loads(line)
        answer = json.dumps(await handlers[do](**arguments))
        await loop.run_in_executor(None, lambda text: print(text, flush=True), answer)
