"""All columns of a file together: bounded in sum, kept in a blob between attempts."""

import json
from collections.abc import Callable, Iterator, Sequence

from demo.work.profiling.columns import Column

ALL_EXACT = 1_500_000  # exact values of all columns together, 24 MB


class Memory:
    """The columns of one file."""

    def __init__(self, names: Sequence[str], types: Sequence[str], nulls: Sequence[str]) -> None:
        self.columns = [Column(*told) for told in zip(names, types, strict=True)]
        self.rows = 0
        self._nulls = frozenset(nulls)

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Take a batch."""
        self.rows += len(rows)
        for column, values in zip(self.columns, zip(*rows, strict=True), strict=True):
            column.add(without(values, self._nulls))
        self._stay_small()

    # --8<-- [start:small]
    def _stay_small(self) -> None:
        """A wide file may not keep a hundred thousand values of each column: the largest go."""
        while sum(len(column.counts.keys) for column in self.columns) > ALL_EXACT:
            max(self.columns, key=lambda column: len(column.counts.keys)).counts.let_go()

    # --8<-- [end:small]

    # --8<-- [start:kept]
    def kept(self) -> Iterator[bytes | memoryview]:
        """JSON with the sizes of the pieces, then the pieces, none of them copied."""
        known = [column.known() for column in self.columns]
        sizes = [[len(piece) for piece in column.counts.pieces()] for column in self.columns]
        head = json.dumps({"rows": self.rows, "columns": known, "sizes": sizes})
        yield len(head).to_bytes(4) + head.encode()
        for column in self.columns:
            yield from column.counts.pieces()

    def restore(self, read: Callable[[int, int], bytes]) -> None:
        """Take up what another attempt has kept, piece by piece."""
        end = 4 + int.from_bytes(read(0, 4))
        head = json.loads(read(4, end - 4))
        self.rows = head["rows"]
        for column, known, sizes in zip(self.columns, head["columns"], head["sizes"], strict=True):
            column.restore(known, _pieces(read, end, sizes))
            end += sum(sizes)

    # --8<-- [end:kept]


def _pieces(read: Callable[[int, int], bytes], at: int, sizes: Sequence[int]) -> Iterator[bytes]:
    for size in sizes:
        yield read(at, size) if size else b""
        at += size


def without(values: Sequence[str], nulls: frozenset[str]) -> Sequence[str]:
    """The values that are not null."""
    if nulls.isdisjoint(values):
        return values
    return [value for value in values if value not in nulls]
