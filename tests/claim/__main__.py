"""One file of a gigabyte through the whole stack, its worker killed in the middle, against 1 MB.

`python -m tests.claim [--megabytes 1000] [--record]`; takes minutes, and 4 GB of disk.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas

from tests import datasets
from tests.claim.measuring import MB, Peaks, measured, report, warmed
from tests.record import circumstances
from tests.stack import Stack

GUIDE = Path(__file__).parents[2] / "site_src" / "_data" / "figures" / "claim.json"
BOUND = 64


def main() -> int:
    """Measure, compare, print; and write the guide's figures when asked to."""
    parser = argparse.ArgumentParser("tests.claim", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--record", action="store_true", help="write the guide's figures")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="lro-claim-") as folder:
        told = _run(Path(folder), arguments.megabytes)
    print(json.dumps(told, indent=1))
    if arguments.record:
        described = {"recorded": circumstances(), "figures": told}
        GUIDE.write_text(json.dumps(described, indent=2) + "\n")
    return 0 if max(told["api-growth"]["value"], told["worker-growth"]["value"]) <= BOUND else 1


def _run(folder: Path, megabytes: int) -> dict[str, Any]:
    small = datasets.write(folder / "small.csv", MB)
    large = datasets.write(folder / "large.csv", megabytes * MB)
    with Stack.running("--no-guide", DEMO_CONCURRENCY="1") as stack:
        warmed(stack, small)
        _, base = measured(stack, small, within=300)
        began = time.monotonic()
        ended, peaks = measured(stack, large, within=3600, kill=True)
        seconds = time.monotonic() - began
        differences = _compared(report(stack, ended), large)
    assert not differences, differences
    return _figures(large.stat().st_size, ended, base, peaks, seconds)


def _compared(told: dict[str, Any], file: Path) -> list[str]:
    """What pandas finds of the columns that are counted exactly, where the report says other."""
    columns = {column["name"]: column for column in told["columns"]}
    differences = []
    for name in ("city", "quantity", "day", "active", "note"):
        column, said = pandas.read_csv(file, usecols=[name])[name], columns[name]
        counts = column.value_counts()
        mine = {
            "nulls": int(column.isna().sum()),
            "distinct": {"value": len(counts), "exact": True},
            "top": [int(count) for count in counts.head(10)],
        }
        if said["type"] == "integer":
            mine["percentiles"] = [column.quantile(int(key) / 100) for key in said["percentiles"]]
            mine["mean"] = round(column.mean(), 6)
        for key, value in mine.items():
            theirs = said[key]
            if key == "top":
                theirs = [top["count"] for top in theirs]
            elif key == "percentiles":
                theirs = list(theirs.values())
            elif key == "mean":
                theirs = round(theirs, 6)
            if theirs != value:
                differences.append(f"{name}.{key}: {theirs} is not {value}")
    return differences


def _figures(
    size: int, ended: dict[str, Any], base: Peaks, peaks: Peaks, seconds: float
) -> dict[str, Any]:
    values = {
        "size": (size / MB, "MB"),
        "rows": (ended["result"]["rows"], "rows"),
        "attempts": (ended["attempt"], ""),
        "seconds": (seconds, "s"),
        "api-small": (base.api, "MB"),
        "api-large": (peaks.api, "MB"),
        "api-growth": (peaks.api - base.api, "MB"),
        "worker-small": (base.worker, "MB"),
        "worker-large": (peaks.worker, "MB"),
        "worker-growth": (peaks.worker - base.worker, "MB"),
    }
    return {
        name: {"value": round(value, 1), "unit": unit} for name, (value, unit) in values.items()
    }


if __name__ == "__main__":
    sys.exit(main())
