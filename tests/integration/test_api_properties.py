"""Requests made up from the OpenAPI document, the sensible and the absurd: all get what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Hands, StartApi

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")  # the same requests each time; others by others


@pytest.mark.timeout(500)
@pytest.mark.claim("api.properties")
def test_made_up_requests_find_nothing(
    start_api: StartApi, own_hands: Hands, tmp_path: Path
) -> None:
    with start_api(longest_wait=0.2) as api:
        run = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}", "run",
             f"{api.url}/openapi.json", "--checks=all", "--workers=1", "--max-examples=15",
             f"--seed={SEED}", "--no-color", "--generation-database=none", "--warnings=off",
             "--request-timeout=60", "--suppress-health-check=too_slow",
             # an open task's stream ends with its task only: tests of its own hold it
             "--exclude-operation-id=streamTask"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert api.process.poll() is None
        print(f"again by SCHEMATHESIS_SEED={SEED}\n{run.stdout}{run.stderr}")
    assert run.returncode == 0
    assert own_hands.rows("SELECT 1 FROM tasks"), "it got through to the store"
