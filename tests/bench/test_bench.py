"""The bench runs, and its output has the shape that others read; no speed is asserted."""

import json
import resource
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

from tests.bench.figures import Figure
from tests.bench.plots import PLOTS
from tests.bench.report import line
from tests.stack import ROOT

TINY = {"rounds": 1, "seconds": 0.2, "streams": 8, "held": 8, "idle": 0.2, "tasks": 5, "slots": 1}
TINY |= {"resume": 1, "slow": 5}
PROMISED = {
    "requests": {"submit-ratio", "common-submit-rate", "status-ratio", "loaded-ratio"},
    "streams": {"stream-p99", "stream-memory", "bare-stream-p99", "broadcast-p99", "idle-sql"},
    "sockets": {"socket-memory", "socket-cpu", "socket-p99"},
    "restart": {"restart-back", "restart-others-p99", "restart-wrong"},
    "rolling": {"rolling-pages", "rolling-wrong"},
    "slow": {"slow-memory", "quick-beside-p99"},
    "pattern": {"pattern-p50", "pattern-redis"},
    "worker": {"worker-ratio"},
    "checkpoint": {"checkpoint-ratio"},
}


@pytest.mark.timeout(600)
def test_a_tiny_run_measures_every_part_and_leaves_all_rounds(tmp_path):
    output = tmp_path / "bench.json"
    options = [word for name, value in TINY.items() for word in (f"--{name}", str(value))]
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", *options, "--output", output],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(output.read_text())
    assert {"date", "machine", "versions", "commit", "plan"} <= set(told["recorded"])
    for section, names in PROMISED.items():
        figures = told["sections"][section]["figures"]
        assert names <= set(figures)
        assert all(figure["rounds"] and "unit" in figure for figure in figures.values())
        assert all(figure["says"] in run.stdout for figure in figures.values())
        assert len(told["sections"][section]["load"]) == 2
    assert told["sections"]["sockets"]["figures"]["socket-p99"]["value"] > 0, "nothing arrived"
    (drawn,) = tmp_path.glob("*/stream-p99.svg")
    labels = [one.text for one in xml.parse(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert set(PLOTS["stream-p99"][1].values()) < set(labels)
    for section, name in (("streams", "stream-missing"), ("rolling", "rolling-wrong")):
        assert told["sections"][section]["figures"][name]["value"] == 0


def test_the_median_of_the_rounds_is_held_against_the_goal():
    ratio = Figure("x", "ours / bare", [0.1, 0.4, 0.5], at_least=0.3)
    assert (ratio.value, ratio.goal) == (0.4, "≥ 0.3 met")
    slow = Figure("x", "p99", [1, 60, 70], "ms", at_most=50)
    assert slow.goal == "≤ 50 MISSED"
    assert "60 ms" in line(slow)
    assert "1 … 70" in line(slow)


def test_too_few_descriptors_are_said_before_anything_starts():
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--streams", "2000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (900, 900)),
    )
    assert run.returncode != 0
    assert "2000 streams need 2200 descriptors a process; the hard limit is 900." in run.stderr
    assert run.stdout == ""
