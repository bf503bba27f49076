"""How often each value occurs: exactly up to a bound, by sketches with a stated error beyond."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from datasketches import (  # type: ignore[import-untyped]
    frequent_items_error_type,
    frequent_strings_sketch,
    hll_sketch,
    kll_doubles_sketch,
    tgt_hll_type,
)
from numpy.typing import NDArray

# --8<-- [start:bounds]
EXACT = 100_000  # distinct values of a column
HLL_K, FREQUENT_K, KLL_K = 14, 10, 400  # relative 1.6 % (95 %), 0.34 % of the rows, rank 0.7 %
TOP = 10
# --8<-- [end:bounds]
Keys = NDArray[Any]
Top = list[tuple[Any, int, int]]


class Counts:
    """Values as sorted 64-bit keys with their counts, until there are too many."""

    def __init__(self, dtype: str, *, ordered: bool) -> None:
        self.keys: Keys = np.empty(0, dtype)
        self.counts: Keys = np.empty(0, np.int64)
        self.exact = True
        self._ordered = ordered
        self._distinct = hll_sketch(HLL_K, tgt_hll_type.HLL_4)
        self._frequent = frequent_strings_sketch(FREQUENT_K)
        self._ranks = kll_doubles_sketch(KLL_K)

    # --8<-- [start:add]
    def add(self, keys: Keys, counts: Keys) -> None:
        """Count a batch: sorted keys, each once."""
        if not self.exact:
            self._sketch(keys, counts)
            return
        places = np.searchsorted(self.keys, keys)
        known = places < len(self.keys)
        known[known] = self.keys[places[known]] == keys[known]
        self.counts[places[known]] += counts[known]
        self.keys = np.insert(self.keys, places[~known], keys[~known])
        self.counts = np.insert(self.counts, places[~known], counts[~known])
        if len(self.keys) > EXACT:
            self.let_go()

    def let_go(self) -> None:
        """Give the exact counts to the sketches."""
        self.exact = False
        self._sketch(self.keys, self.counts)
        self.keys, self.counts = self.keys[:0].copy(), self.counts[:0].copy()

    # --8<-- [end:add]

    def _sketch(self, keys: Keys, counts: Keys) -> None:
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            self._distinct.update(key)
            self._frequent.update(str(key), count)
        if self._ordered:
            for part in range(0, len(keys), 1000):
                some = slice(part, part + 1000)
                self._repeated(keys[some].astype(np.float64), counts[some])

    def _repeated(self, values: Keys, counts: Keys) -> None:
        """Feed each value as often as it occurs, at most a million at a time."""
        while len(values):
            now = np.minimum(counts, 1_000_000 // len(values))
            self._ranks.update(np.repeat(values, now))
            left = counts > now
            values, counts = values[left], (counts - now)[left]

    def distinct(self) -> dict[str, Any]:
        """How many values there are, and how sure that is."""
        if self.exact:
            return {"value": len(self.keys), "exact": True}
        low, high = self._distinct.get_lower_bound(2), self._distinct.get_upper_bound(2)
        found = round(self._distinct.get_estimate())
        return {"value": found, "exact": False, "low": int(low), "high": int(high) + 1}

    def top(self, most: int = TOP) -> Top:
        """Key, count and the most it can be, of the most frequent ones."""
        if self.exact:
            least = np.partition(self.counts, -most)[-most] if len(self.counts) > most else 0
            places = np.flatnonzero(self.counts >= least)
            best = places[np.argsort(-self.counts[places], kind="stable")[:most]]
            return [(self.keys[n].item(), c := int(self.counts[n]), c) for n in best]
        sure = frequent_items_error_type.NO_FALSE_POSITIVES
        found = self._frequent.get_frequent_items(sure)[:most]
        return [(self.keys.dtype.type(key).item(), low, high) for key, _, low, high in found]

    def percentiles(self, shares: list[float]) -> tuple[list[float], float | None]:
        """Values at shares of the rows; interpolated, or with the error of their rank (99 %)."""
        if not self.exact:
            error = self._ranks.normalized_rank_error(False)
            return self._ranks.get_quantiles(shares, True), error
        last = np.cumsum(self.counts)
        ranks = np.asarray(shares) * (last[-1] - 1)
        low, high = (
            self.keys[np.searchsorted(last, rank(ranks), "right")].astype(np.float64)
            for rank in (np.floor, np.ceil)
        )
        return (low + (high - low) * (ranks - np.floor(ranks))).tolist(), None

    def histogram(self, edges: Keys) -> list[int]:
        """Rows between each two edges."""
        if self.exact:
            rows = np.histogram(self.keys, edges, weights=self.counts)[0]
            return list(map(int, rows))
        shares = self._ranks.get_pmf(edges[1:-1].tolist())
        return [round(share * self._ranks.n) for share in shares]

    def pieces(self) -> Iterator[bytes | memoryview]:
        """All that is known, as bytes in the order that `restore` takes them."""
        yield self.keys.data.cast("B") if len(self.keys) else b""
        yield self.counts.data.cast("B") if len(self.counts) else b""
        if not self.exact:
            yield self._distinct.serialize_compact()
            yield self._frequent.serialize()
            yield self._ranks.serialize()

    def restore(self, pieces: Iterator[bytes]) -> None:
        """The opposite."""
        self.keys = np.frombuffer(next(pieces), self.keys.dtype).copy()
        self.counts = np.frombuffer(next(pieces), np.int64).copy()
        if not self.exact:
            self._distinct = hll_sketch.deserialize(next(pieces))
            self._frequent = frequent_strings_sketch.deserialize(next(pieces))
            self._ranks = kll_doubles_sketch.deserialize(next(pieces))
