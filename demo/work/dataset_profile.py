"""A CSV of any size into a profile of each column: one pass for the types, one for the values."""

import copy
import hashlib
import json
from collections.abc import Generator, Iterator
from typing import Any

from demo.contract import (
    Checkpoint,
    DatasetProfileInput,
    Done,
    Log,
    PermanentFailure,
    Progress,
    Start,
    Tools,
    Yield,
)
from demo.work.profiling.memory import Memory, without
from demo.work.profiling.rows import BLOCK, Lines, Read, Rows
from demo.work.profiling.types import ALL, narrowed, type_of

CHECKPOINT = 64 << 20
Steps = Generator[Yield, None, None]


# --8<-- [start:dataset_profile]
def dataset_profile(asked: DatasetProfileInput, start: Start, tools: Tools) -> Steps:
    """Read an upload twice, with a checkpoint each 64 MB; the report goes to a blob."""
    profile = Profile(asked, start, tools)
    if profile.state["pass"] == 1:
        yield from profile.find_types()
    yield from profile.count_values()
    yield Done(profile.report())


# --8<-- [end:dataset_profile]


class Profile:
    """One attempt's reading of one upload; `state` is what a checkpoint holds."""

    def __init__(self, asked: DatasetProfileInput, start: Start, tools: Tools) -> None:
        self._asked, self._tools = asked, tools
        self._source = tools.upload(asked.upload)
        self._step, self._percent, self._since = start.step, -1, 0
        self._names = Rows(self._lines(self._source.read, 0), asked.delimiter).header()
        fresh = {"pass": 1, "offset": 0, "line": 0, "rows": 0, "kept": None}
        first = {"possible": [ALL] * len(self._names), "seen": [False] * len(self._names)}
        self.state: dict[str, Any] = start.state or fresh | first

    # --8<-- [start:types]
    def find_types(self) -> Steps:
        """The first pass: is it a sound CSV, of which types, with which hash?"""
        state, nulls, digest = self.state, frozenset(self._asked.nulls), hashlib.sha256()
        for at in range(0, state["offset"], BLOCK):  # after a restart: what was read before
            digest.update(self._source.read(at, min(BLOCK, state["offset"] - at)))

        def read(at: int, length: int) -> bytes:
            block = self._source.read(at, length)
            digest.update(block)
            return block

        for rows in self._batches(self._lines(read, state["offset"])):
            state["rows"] += len(rows)
            for place, column in enumerate(zip(*rows, strict=True)):
                values = without(column, nulls)
                state["possible"][place] = narrowed(state["possible"][place], values)
                state["seen"][place] = state["seen"][place] or bool(values)
            yield from self._told(0)
        if self._source.sha256 not in {None, digest.hexdigest()}:
            message = "The content of the upload has another SHA-256 than was declared."
            raise PermanentFailure("upload_corrupt", message)
        types = list(map(type_of, state["possible"], state["seen"]))
        self.state = {"pass": 2, "offset": 0, "line": 0, "types": types, "kept": None}
        self.state["sha256"] = digest.hexdigest()
        yield Log(f"{state['rows']:,} rows in {len(types)} columns")
        yield self._checkpoint(50)

    # --8<-- [end:types]

    # --8<-- [start:values]
    def count_values(self) -> Steps:
        """The second pass: what the columns hold, now that their types are known."""
        state = self.state
        self._memory = Memory(self._names, state["types"], self._asked.nulls)
        if before := state["kept"]:
            self._memory.restore(lambda at, size: self._tools.read(before, at, size))
        for rows in self._batches(self._lines(self._source.read, state["offset"])):
            self._memory.add(rows)
            if self._due():
                before, name = state["kept"], f"step-{self._step + 1}"
                state["kept"] = self._tools.write(name, self._memory.kept())["name"]
            yield from self._told(50)
            if before and before != state["kept"]:  # committed: nobody goes on from there any more
                self._tools.remove(before)
                before = None

    # --8<-- [end:values]

    def report(self) -> dict[str, Any]:
        """Write the report; the result only refers to it."""
        told = {
            "rows": self._memory.rows,
            "bytes": self._source.size,
            "sha256": self.state["sha256"],
        }
        columns = [column.report(self._memory.rows) for column in self._memory.columns]
        report = json.dumps({**told, "columns": columns}, allow_nan=False).encode()
        return {
            "report": self._tools.write("report.json", [report]),
            **told,
            "columns": len(columns),
        }

    def _lines(self, read: Read, offset: int) -> Lines:
        line = self.state["line"] if offset else 0
        return Lines(read, self._source.size, offset, line)

    def _batches(self, lines: Lines) -> Iterator[list[list[str]]]:
        self._since = lines.offset
        rows = Rows(lines, self._asked.delimiter, len(self._names))
        if not lines.offset:
            rows.header()
        while batch := rows.batch():
            self.state |= {"offset": lines.offset, "line": lines.number}
            yield batch

    def _due(self) -> bool:
        return bool(self.state["offset"] - self._since >= CHECKPOINT)

    def _told(self, base: int) -> Steps:
        """A checkpoint when one is due, else progress when it is more than was told."""
        percent = base + 50 * self.state["offset"] / self._source.size
        if self._due():
            self._since = self.state["offset"]
            yield self._checkpoint(percent)
        elif int(percent) > self._percent:
            yield Progress(percent, self._message())
        self._percent = int(percent)

    def _checkpoint(self, percent: float) -> Checkpoint:
        self._step += 1
        return Checkpoint(self._step, copy.deepcopy(self.state), percent, self._message())

    def _message(self) -> str:
        read, size = self.state["offset"] / 1e6, self._source.size / 1e6
        doing = "Finding types" if self.state["pass"] == 1 else "Counting values"
        return f"{doing}: {read:,.1f} of {size:,.1f} MB"
