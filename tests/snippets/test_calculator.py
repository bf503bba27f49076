"""The calculator: its arithmetic against independent formulas, its warnings, its tables."""

import json
import math
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy import stats
from scipy.special import gammaln, logsumexp

from .calculating import FIGURES, HOST, SIZING, called, sized
from .conftest import ROOT
from .programs import NODE

SEED = 20261124


def by_scipy(slots: int, busy: float) -> float:
    """Erlang C from the Poisson distribution, in logarithms; no recursion."""
    if slots <= busy:
        return 1.0
    terms = np.arange(slots) * math.log(busy) - gammaln(np.arange(slots) + 1)
    last = slots * math.log(busy) - gammaln(slots + 1) + math.log(slots / (slots - busy))
    return float(np.exp(last - logsumexp([*terms, last])))


@pytest.mark.claim("sizing.calculator")
def test_erlang_c_is_that_of_scipy_on_a_thousand_inputs() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    cases = []
    for _ in range(1000):
        busy = 10 ** chance.uniform(-1, 3)
        slots = math.ceil(busy * chance.uniform(0.9, 2)) + 1
        takes, within = 10 ** chance.uniform(0, 4), 10 ** chance.uniform(0, 3)
        cases.append((slots, busy, takes, within, chance.uniform(0.5, 4)))
    found = called(
        *(["mustWait", c, a] for c, a, *_ in cases),
        *(["meanWait", c, a, s, v] for c, a, s, _, v in cases),
        *(["late", c, a, s, w, v] for c, a, s, w, v in cases),
    )
    for number, (c, a, s, w, v) in enumerate(cases):
        waits = by_scipy(c, a)
        tail = stats.expon(scale=v * s / (c - a)) if c > a else None
        assert found[number] == pytest.approx(waits, rel=1e-6, abs=1e-12)
        mean = waits * tail.mean() if tail else math.inf
        assert found[1000 + number] == pytest.approx(mean, rel=1e-6, abs=1e-12)
        assert found[2000 + number] == pytest.approx(
            waits * tail.sf(w) if tail else 1, rel=1e-6, abs=1e-12
        )


@pytest.mark.parametrize(
    ("slots", "busy", "waits"),
    [(1, 0.5, 0.5), (2, 1, 1 / 3), (5, 3, 0.2362), (10, 8, 0.4092), (20, 16, 0.2561)],
)
def test_erlang_c_is_that_of_printed_tables(slots: int, busy: float, waits: float) -> None:
    assert called(["mustWait", slots, busy])[0] == pytest.approx(waits, abs=5e-5)


def test_durations_have_the_percentiles_that_were_asked_for() -> None:
    chance = random.Random(SEED)
    cases = [(10 ** chance.uniform(0, 4), chance.uniform(1.05, 3.5)) for _ in range(50)]
    found = called(
        *(["variation", mean, mean * ratio] for mean, ratio in cases),
        *(["durationAt", stats.norm.ppf(0.95), mean, mean * ratio] for mean, ratio in cases),
        *(["durationAt", stats.norm.ppf(0.99), mean, mean * ratio] for mean, ratio in cases),
    )
    for number, (mean, ratio) in enumerate(cases):
        squared, p95, p99 = found[number::50]
        sigma = math.sqrt(math.log(1 + squared))
        lognormal = stats.lognorm(sigma, scale=mean / math.exp(sigma**2 / 2))
        assert lognormal.mean() == pytest.approx(mean)
        assert p95 == pytest.approx(mean * ratio) == pytest.approx(lognormal.ppf(0.95))
        assert p99 == pytest.approx(lognormal.ppf(0.99))


@pytest.mark.claim("sizing.wait-target")
def test_the_chosen_slots_are_the_fewest_that_keep_the_wait() -> None:
    chance, spread, cases = random.Random(SEED), 1.5, []
    for _ in range(30):
        rate, takes = 10 ** chance.uniform(-3, 0), 10 ** chance.uniform(1, 3)
        cases.append((rate, takes, takes * chance.random(), chance.uniform(0.8, 0.99)))
    chosen = called(*(["slotsFor", *case, spread] for case in cases))
    asked = list(zip(cases, chosen, strict=True))
    found = called(
        *(["late", c - 1, r * t, t, within, spread] for (r, t, within, _), c in asked),
        *(["late", c, r * t, t, within, spread] for (r, t, within, _), c in asked),
        *(["waitOf", share, c, r * t, t, spread] for (r, t, _, share), c in asked),
    )
    for number, ((rate, takes, within, share), slots) in enumerate(asked):
        one_less, enough, wait = found[number::30]
        assert enough <= 1 - share
        assert one_less > 1 - share or slots - 1 <= rate * takes
        assert wait <= within


@pytest.mark.claim("sizing.unstable")
def test_too_few_slots_never_catch_up() -> None:
    never, soon, forever = called(
        ["drain", 1000, 200, 6.7, 30], ["drain", 1000, 200, 0, 30], ["meanWait", 20, 20, 2400]
    )
    assert (never, soon, forever) == (math.inf, 150, math.inf)


@pytest.mark.parametrize(
    ("vm", "pods", "memory"),
    [("D2s_v5", 30, 7.25), ("D4s_v5", 110, 13.65), ("D4s_v5", 250, 11.9), ("D16s_v5", 250, 58.85)],
)
def test_what_aks_reserves_depends_on_the_pod_limit(vm: str, pods: int, memory: float) -> None:
    assert called(["allocatable", vm, pods])[0][1] == pytest.approx(memory)


@pytest.mark.claim("sizing.whole-pods")
def test_pods_are_whole() -> None:
    half = {"cpu": 0.5, "memory": 0.5}
    fit, none = called(
        ["podsPerNode", "D4s_v5", half, 250],
        ["podsPerNode", "D2s_v5", half, 30, {"cpu": 1.5, "memory": 1, "pods": 5}],
    )
    assert (fit, none) == (7, 0)
    assert called(["nodesFor", 200, 7], ["surge", 29]) == [29, 10]


def test_a_lost_zone_leaves_enough_nodes() -> None:
    found = called(*(["nodesFor", pods, 7, 3] for pods in range(1, 120)))
    assert all((nodes - nodes // 3) * 7 >= pods for pods, nodes in enumerate(found, 1))


@pytest.mark.claim("sizing.availability")
def test_the_reserve_of_nodes_is_the_fewest_that_keeps_the_target() -> None:
    chance = random.Random(SEED)
    cases = [
        (chance.randint(1, 500), 10 ** chance.uniform(-5, -1.4), chance.uniform(0.9, 0.99999))
        for _ in range(200)
    ]
    found = called(*(["nodesHeld", *case] for case in cases))
    shares = called(
        *(["there", n, needed, away] for n, (needed, away, _) in zip(found, cases, strict=True))
    )
    for nodes, share, (needed, away, target) in zip(found, shares, cases, strict=True):
        assert share == pytest.approx(stats.binom.cdf(nodes - needed, nodes, away), rel=1e-6)
        assert share >= target
        if nodes > needed:
            assert stats.binom.cdf(nodes - 1 - needed, nodes - 1, away) < target
    assert called(["nodesHeld", 3, 0, 0.99999]) == [3]


def test_a_target_costs_nodes_and_a_zone_in_reserve_pays_for_it() -> None:
    nines = {"away": 0.01, "target": 0.9999}
    assert (sized()["nodes"], sized(**nines)["nodes"]) == (3, 5)
    assert sized(**nines, zones=3)["nodes"] == sized(zones=3)["nodes"] == 6


# The three examples, worked by hand: Little, the printed Erlang tables, whole pods, whole nodes.
WORKED: dict[str, dict[str, Any]] = {
    "reports": {  # 20/h · 40 min = 13.33; C(17; 13.33) = 0.256; 0.256 · e^(-3.667 · 0.5) = 0.041
        "busy": 13.333, "slots": 17, "pods": 17, "floor": 14, "ceiling": 26, "fit": 7, "nodes": 3,
    },
    "imports": {  # 600/h · 5 min = 50; C(58; 50) = 0.194; 0.194 · e^(-8 · 0.2) = 0.039
        "busy": 50, "slots": 58, "pods": 29, "floor": 29, "ceiling": 44, "fit": 7, "nodes": 5,
    },
    "scraping": {  # 50/s · 10 s = 500; C(519; 500) = 0.30; 0.30 · e^(-19 · 0.1) = 0.044
        "busy": 500, "slots": 519, "pods": 65, "floor": 65, "ceiling": 98, "fit": 7, "nodes": 10,
    },
}  # fmt: skip
INPUTS: dict[str, dict[str, Any]] = {
    "reports": {},
    "imports": {
        "name": "imports", "hourly": 600, "takes": 300, "within": 60, "step": 5, "slots": 2,
        "cpu": 0.5, "memory": 530,
    },
    "scraping": {
        "name": "scraping", "hourly": 180000, "takes": 10, "within": 1, "step": 1, "slots": 8,
        "cpu": 0.125, "memory": 85,
    },
}  # fmt: skip


@pytest.mark.claim("sizing.examples")
@pytest.mark.parametrize("name", WORKED)
def test_the_worked_examples_are_right_by_hand(name: str) -> None:
    found = sized(**INPUTS[name])
    worked = WORKED[name]
    assert {key: found[key] for key in worked} == pytest.approx(worked, rel=1e-4)
    assert found["rate"] * INPUTS[name].get("takes", 2400) == pytest.approx(worked["busy"], 1e-4)
    assert found["pods"] == math.ceil(worked["slots"] / found["each"])
    by_cpu = math.floor((7.82 - 0.5) / found["cpu"])
    assert found["fit"] == by_cpu, "the CPU is what is scarce, not the memory"
    assert found["nodes"] == math.ceil(worked["pods"] / by_cpu)
    spare = found["slots"] / found["asked"]["takes"] - found["rate"]
    assert found["gone"] == pytest.approx(found["asked"]["hourly"] / spare)
    assert found["beside"] == max(2, math.ceil((found["replicas"] + 2 * 0.25) / (7.82 - 0.5)))
    kept = found["ceiling"] * found["each"] * 2 + 2 * found["replicas"] * 16 + 8 + 10
    assert found["postgres"]["kept"] == kept


# What bites each trap, beside the profile of the reports, which is bitten by the first two alone.
BITES: dict[str, dict[str, Any]] = {
    "does-not-fit": {"memory": 40000},
    "cpu-count": {},
    "blind-signal": {"signal": "redis"},
    "scale-in": {},
    "grace-step": {"step": 60},
    "drain-limit": {"grace": 900},
    "connection-wall": {"hourly": 360000, "takes": 30, "within": 1, "slots": 8},
    "visibility": {"ack": "late"},
    "spot": {"spot": 0.5},
    "late-nodes": {"within": 30},
    "hot": {"hourly": 600, "takes": 300, "within": 60},
    "tail": {"takes": 60, "p95": 600},
}


@pytest.mark.claim("sizing.traps")
@pytest.mark.parametrize("trap", BITES)
def test_each_trap_is_told_where_it_bites(trap: str) -> None:
    always = {"cpu-count", "scale-in"}
    harmless = {one["id"] for one in sized()["traps"]}
    assert harmless == always
    told = {one["id"]: one["text"] for one in sized(**BITES[trap])["traps"]}
    assert trap in told
    assert not {"undefined", "NaN"} & set(told[trap].split())
    assert set(BITES) == set(called(["trapIds"])[0])


def test_a_pod_with_as_many_slots_as_the_node_has_cpus_is_not_warned_of() -> None:
    assert "cpu-count" not in {one["id"] for one in sized(slots=8, memory=100)["traps"]}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"hourly": -1}, "hourly: 0.01 to"),
        ({"slots": 1.5}, "a whole number"),
        ({"vm": "D1"}, "vm: D2s_v5 or"),
        ({"name": "no spaces"}, "name: a short"),
        ({"speed": 9}, "unknown: speed"),
        ({"takes": ""}, "takes:"),
        ({"hourly": 1e7, "takes": 1e6}, "more than one cluster holds"),
    ],
)
def test_nonsense_is_refused_in_words(given: dict[str, Any], says: str) -> None:
    assert says in called(["sized", given, HOST])[0]["error"]


def test_the_command_line_says_the_arithmetic() -> None:
    runs = [NODE, str(SIZING / "size.mjs")]
    done = subprocess.run([*runs, "--hourly", "20"], capture_output=True, text=True, check=True)
    assert "Slots                      17" in done.stdout
    wrong = subprocess.run([*runs, "--hourly", "x"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "hourly: 0.01 to 10000000\n")


@pytest.mark.claim("sizing.together")
def test_several_kinds_share_the_api_the_database_and_the_broker() -> None:
    (found,) = called(["several", list(INPUTS.values()), HOST])
    slots = 26 * 1 + 44 * 2 + 98 * 8  # at the ceilings
    assert (found["pods"], found["nodes"], found["replicas"]) == (17 + 29 + 65, 3 + 5 + 10, 2)
    assert found["quota"] == (4 + 2) + (7 + 3) + (14 + 5)
    assert found["postgres"]["kept"] == 2 * slots + 2 * 2 * HOST["pool"] + 8 + 10
    assert found["valkey"] == slots + 2 * (26 + 44 + 98) + 2 * 2 + 8
    assert found["postgres"]["kept"] < sum(one["postgres"]["kept"] for one in found["plans"])
    (twice,) = called(["several", [{}, {}], HOST])
    assert "two kinds are called reports" in twice["error"]


def test_the_command_plans_several_kinds(tmp_path: Path) -> None:
    kinds = tmp_path / "kinds.json"
    kinds.write_text(json.dumps(list(INPUTS.values())), "utf-8")
    runs = [NODE, str(SIZING / "size.mjs"), "--kinds", str(kinds), "--files", str(tmp_path)]
    done = subprocess.run(runs, capture_output=True, text=True, check=True)
    assert "17 reports + 29 imports + 65 scraping" in done.stdout
    pools = yaml.safe_load((tmp_path / "values.yaml").read_text("utf-8"))["workers"]
    assert {name: pool["max"] for name, pool in pools.items()} == {
        "reports": 26, "imports": 44, "scraping": 98,
    }  # fmt: skip


def computed() -> dict[str, str]:
    """What the guide's tables and sentences say, made anew from the recorded figures."""
    runs = [NODE, str(SIZING / "tables.mjs"), "--check"]
    found: dict[str, str] = json.loads(subprocess.check_output(runs, text=True))
    return found


def test_the_tables_and_sentences_are_what_the_calculator_computes() -> None:
    found = computed()
    assert (SIZING / "tables.md").read_text("utf-8") == found["text"]
    assert (SIZING / "together.md").read_text("utf-8") == found["one"]
    assert FIGURES.with_name("plan.json").read_text("utf-8") == found["told"]


@pytest.mark.claim("sizing.figures-count")
def test_other_figures_make_another_plan() -> None:
    shipped = json.loads(FIGURES.read_text("utf-8"))["figures"]
    assert {"worker-memory", "slot-memory", "submit-rate", "stream-memory"} <= set(shipped)
    heavy = sized({**HOST, "slot": 600, "stream": 1000})
    assert heavy["memory"] > sized()["memory"]
    assert heavy["room"] < sized()["room"]


@pytest.mark.claim("sizing.figures-count")
def test_another_recording_makes_other_tables_and_sentences(tmp_path: Path) -> None:
    told = json.loads(FIGURES.read_text("utf-8"))
    told["figures"]["slot-memory"]["value"] += 100
    told["figures"]["commits-a-task"]["value"] = 9
    other = tmp_path / FIGURES.relative_to(ROOT)
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps(told), "utf-8")
    mine = tmp_path / SIZING.relative_to(ROOT)
    shutil.copytree(SIZING, mine)
    subprocess.run([NODE, str(mine / "tables.mjs")], check=True)
    assert (mine / "tables.md").read_text("utf-8") != computed()["text"]
    sentences = json.loads(other.with_name("plan.json").read_text("utf-8"))["figures"]
    assert sentences["commits-1000"]["value"] == 9000
