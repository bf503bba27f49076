"""One column: nulls, range, mean, and the counts of its values."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from demo.work.profiling.counts import TOP, Counts, Keys

CLIP = 200
SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
BARS = 20
NUMERIC = {"integer": np.int64, "number": np.float64}


class Column:
    """What is known of a column so far."""

    def __init__(self, name: str, type: str) -> None:
        self.name, self.type = name, type
        self.seen = 0
        self.least: Any = None
        self.most: Any = None
        self.total: list[float | int] = [0, 0.0]  # the sum, and what it lost by rounding
        self.names: dict[int, str] = {}  # of the most frequent texts, by their hash
        self.counts = Counts("f8" if type == "number" else "i8", ordered=type in NUMERIC)

    def add(self, values: Sequence[str]) -> None:
        """Take a batch of values that are not null."""
        if not values:
            return
        self.seen += len(values)
        if self.type in NUMERIC:
            self._add_numbers(values)
        else:
            self._add_texts(
                [value.lower() for value in values] if self.type == "boolean" else values
            )

    def _add_numbers(self, values: Sequence[str]) -> None:
        parsed: list[Any] = list(map(int if self.type == "integer" else float, values))
        self._sum(parsed)
        keys, counts = np.unique(np.array(parsed, self.counts.keys.dtype), return_counts=True)
        self._range(keys[0].item(), keys[-1].item())
        self.counts.add(keys, counts.astype(np.int64))

    def _sum(self, parsed: list[Any]) -> None:
        if self.type == "integer":
            self.total[0] += sum(parsed)
            return
        batch, before = math.fsum(parsed), self.total[0]
        self.total[0] = after = before + batch
        back = after - before
        self.total[1] += (before - (after - back)) + (batch - back)

    # --8<-- [start:texts]
    def _add_texts(self, values: Sequence[str]) -> None:
        """Texts are counted by a hash of 64 bits; only the most frequent ones keep their words.

        Counts only grow: whatever enters the first ten has just been seen, so its words are here.
        """
        told = Counter(values)
        self._range(min(told)[:CLIP], max(told)[:CLIP])
        digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in told)
        hashes = np.frombuffer(digests, np.int64)
        order = np.argsort(hashes)
        self.counts.add(hashes[order], np.fromiter(told.values(), np.int64)[order])
        words = dict(zip(hashes.tolist(), told, strict=True))
        first = [key for key, *_ in self.counts.top()]
        known = {key: self.names.get(key) or words.get(key, "") for key in first}
        self.names = {key: text[:CLIP] for key, text in known.items() if text}

    # --8<-- [end:texts]

    def _range(self, least: Any, most: Any) -> None:
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def report(self, rows: int) -> dict[str, Any]:
        """What a reader gets."""
        told = {
            "name": self.name,
            "type": self.type,
            "nulls": rows - self.seen,
            "distinct": self.counts.distinct(),
            "min": self.least,
            "max": self.most,
            "top": [self._named(*entry) for entry in self._top()],
        }
        if self.seen and self.type in NUMERIC:
            told |= self._quantities()
        return told

    def _top(self) -> list[tuple[Any, int, int]]:
        found = self.counts.top(TOP)
        return [
            (key if self.type in NUMERIC else self.names[key], low, high)
            for key, low, high in found
            if self.type in NUMERIC or key in self.names
        ]

    def _named(self, value: Any, count: int, at_most: int) -> dict[str, Any]:
        told = {"value": value, "count": count}
        return told if count == at_most else {**told, "at_most": at_most}

    def _quantities(self) -> dict[str, Any]:
        values, error = self.counts.percentiles(SHARES)
        names = [f"{share * 100:g}" for share in SHARES]
        told: dict[str, Any] = {
            "mean": (self.total[0] + self.total[1]) / self.seen,
            "percentiles": dict(zip(names, values, strict=True)),
        }
        if error is not None:
            told["rank_error"] = error
        if self.least < self.most and math.isfinite(float(self.most) - float(self.least)):
            edges: Keys = np.linspace(self.least, self.most, BARS + 1)
            told["histogram"] = {"edges": edges.tolist(), "rows": self.counts.histogram(edges)}
        return told

    def known(self) -> dict[str, Any]:
        """What goes into a checkpoint beside the pieces of `counts`."""
        names = {str(key): text for key, text in self.names.items()}
        kept = {name: getattr(self, name) for name in ("seen", "least", "most", "total")}
        return {**kept, "names": names, "exact": self.counts.exact}

    def restore(self, known: dict[str, Any], pieces: Iterator[bytes]) -> None:
        """The opposite."""
        for name in ("seen", "least", "most", "total"):
            setattr(self, name, known[name])
        self.names = {int(key): text for key, text in known["names"].items()}
        self.counts.exact = known["exact"]
        self.counts.restore(pieces)
