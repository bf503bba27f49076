"""A file a thousand times the memory that handles it; killed in the middle; the same profile."""

from pathlib import Path

import pandas
import pytest

from tests import datasets
from tests.azurite import azurite
from tests.claim.measuring import measured, profile, report, uploaded, warmed
from tests.stack import Stack

MB = 1_000_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return datasets.write(tmp_path_factory.mktemp("csv") / "1.csv", MB)


@pytest.mark.timeout(900)
@pytest.mark.claim("claim-check.flat-memory")
def test_memory_is_the_same_for_a_file_64_times_as_large(small: Path, tmp_path: Path) -> None:
    large = datasets.write(tmp_path / "64.csv", 64 * MB, padding=400)
    with Stack.running("--no-guide", DEMO_CONCURRENCY="1") as stack:
        warmed(stack, small)
        _, base = measured(stack, small, within=300)
        ended, peaks = measured(stack, large, within=300)
        assert peaks.worker < base.worker + 64, (base, peaks)
        assert peaks.api < base.api + 64, (base, peaks)
        frame = pandas.read_csv(large, usecols=["city", "quantity"])
        told = {column["name"]: column for column in report(stack, ended)["columns"]}
        assert ended["result"]["rows"] == len(frame)
        assert told["quantity"]["distinct"]["value"] == frame["quantity"].nunique()
        assert told["quantity"]["percentiles"]["50"] == frame["quantity"].median()
        cities = {top["value"]: top["count"] for top in told["city"]["top"]}
        assert cities == dict(frame["city"].value_counts())


@pytest.mark.timeout(600)
def test_the_whole_way_over_azure_blob(small: Path) -> None:
    with azurite() as settings, Stack.running("--no-guide", **settings) as stack:
        task = profile(stack, uploaded(stack.client, small), within=300)
        assert task["result"]["rows"] == report(stack, task)["rows"] > 1000
