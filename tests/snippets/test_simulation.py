"""The simulation agrees with theory, loses nothing, and follows the chart's own numbers."""

import heapq
import importlib
import json
import math
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pytest
import yaml

from .calculating import SIZING, called
from .conftest import ROOT

NAMES = ("autoscaler", "scenario", "outcome", "fleet", "simulation", "simulate")
TASKS = 1_500_000
POOLS = [(5, 3.0), (17, 12.0), (40, 32.0)]


@pytest.fixture(scope="module")
def sizing() -> Iterator[SimpleNamespace]:
    """The programs as modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SIZING)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    for name in NAMES:
        sys.modules.pop(name, None)


def recursion(trace: Iterable[tuple[float, float]], slots: int) -> list[float]:
    """Waits by Kiefer and Wolfowitz' recursion: first come, first served, nothing else."""
    free, waits = [0.0] * slots, []
    for at, takes in trace:
        start = max(at, heapq.heappop(free))
        waits.append(start - at)
        heapq.heappush(free, start + takes)
    return sorted(waits)


def steady(sizing: SimpleNamespace, slots: int, busy: float, tasks: int) -> SimpleNamespace:
    """A fixed pool and tasks of one second on average."""
    found: SimpleNamespace = sizing.scenario.Scenario(
        hours=tasks / busy / 3600,
        arrivals=((0, busy * 3600),),
        pods=slots,
        durations=sizing.scenario.Durations(1.0),
        cluster=sizing.scenario.Cluster(pods_per_node=100),
    )
    return found


@pytest.mark.claim("sizing.simulation")
@pytest.mark.parametrize(("slots", "busy"), POOLS)
def test_a_fixed_pool_is_the_recursion_task_by_task(
    sizing: SimpleNamespace, slots: int, busy: float
) -> None:
    scenario = steady(sizing, slots, busy, 20_000)
    trace = list(scenario.draw(random.Random(2)))
    waits = sizing.simulation.Simulation(scenario, 2, trace).run().waits
    assert waits == pytest.approx(recursion(trace, slots), abs=1e-6)


@pytest.fixture(scope="module")
def long_waits(sizing: SimpleNamespace) -> dict[tuple[int, float], list[float]]:
    """Waits of many tasks by the recursion that the simulation equals."""
    return {
        pool: recursion(steady(sizing, *pool, TASKS).draw(random.Random(1)), pool[0])
        for pool in POOLS
    }


@pytest.mark.timeout(300)
@pytest.mark.claim("sizing.simulation")
@pytest.mark.parametrize(("slots", "busy"), POOLS)
def test_it_agrees_with_erlang_c(
    long_waits: dict[tuple[int, float], list[float]], slots: int, busy: float
) -> None:
    mine = long_waits[slots, busy]
    must, mean = called(["mustWait", slots, busy], ["meanWait", slots, busy, 1])
    assert sum(wait > 0 for wait in mine) / len(mine) == pytest.approx(must, rel=0.02)
    assert sum(mine) / len(mine) == pytest.approx(mean, rel=0.02)


@pytest.mark.timeout(300)
@pytest.mark.claim("sizing.simulation-percentiles")
@pytest.mark.parametrize(("slots", "busy"), POOLS)
def test_its_percentiles_are_the_calculators(
    long_waits: dict[tuple[int, float], list[float]], slots: int, busy: float
) -> None:
    mine = long_waits[slots, busy]
    for share in (0.9, 0.95, 0.99):
        (wait,) = called(["waitOf", share, slots, busy, 1])
        assert mine[int(share * len(mine))] == pytest.approx(wait, rel=0.05, abs=0.005)


@pytest.mark.claim("sizing.regular-tasks")
def test_tasks_of_equal_length_wait_about_half_as_long(sizing: SimpleNamespace) -> None:
    scenario = sizing.scenario.Scenario(
        hours=50,
        arrivals=((0, 2000),),
        pods=17,
        durations=sizing.scenario.Durations(24, "regular"),
        cluster=sizing.scenario.Cluster(pods_per_node=100),
    )
    mean = sizing.simulation.Simulation(scenario, 1).run().mean_wait
    uneven, half = called(["meanWait", 17, 40 / 3, 24], ["meanWait", 17, 40 / 3, 24, 0.5])
    assert mean == pytest.approx(uneven / 2, rel=0.25)
    assert half == pytest.approx(uneven / 2)


@pytest.mark.claim("sizing.simulated-none-lost")
def test_no_scenario_loses_a_task(sizing: SimpleNamespace) -> None:
    files = sorted((SIZING / "scenarios").glob("*.toml"))
    assert len(files) == 6
    for path in files:
        scenario = sizing.scenario.Scenario.read(path)
        outcome = sizing.simulation.Simulation(scenario, 3).run()
        assert (path.stem, outcome.lost) == (path.stem, 0)
        lengths = {round(task.left, 6) >= 0 for task in outcome.tasks}
        assert lengths == {True}, "no task worked more than it was long"


def day(sizing: SimpleNamespace, **changes: object) -> SimpleNamespace:
    """A steady pool of ten pods for four hours, with something done to it."""
    base = sizing.scenario.Scenario(hours=4, arrivals=((0, 12),), pods=10)
    found: SimpleNamespace = sizing.simulation.Simulation(base.but(**changes), 5).run()
    return found


def test_a_release_loses_no_work_and_a_lost_node_at_most_a_step(sizing: SimpleNamespace) -> None:
    fault = sizing.scenario.Fault
    upgraded = day(sizing, faults=(fault("upgrade", 3600),))
    assert upgraded.releases > 0
    assert (upgraded.redone, upgraded.recoveries) == (0, 0)
    lost = day(sizing, faults=(fault("node", 3600),))
    assert lost.recoveries > 0
    assert 0 < lost.redone <= 10 * lost.recoveries


def test_a_step_longer_than_the_grace_is_done_twice(sizing: SimpleNamespace) -> None:
    fault, core = sizing.scenario.Fault, sizing.scenario.Core
    outcome = day(sizing, faults=(fault("upgrade", 3600),), core=core(step=300))
    assert outcome.redone > 20
    assert outcome.lost == 0


def test_nothing_starts_while_the_broker_is_away(sizing: SimpleNamespace) -> None:
    outcome = day(sizing, faults=(sizing.scenario.Fault("broker", 3600, lasts=1200),))
    assert not [t for t in outcome.tasks if t.started and 3600 < t.started < 4800]
    assert outcome.lost == 0


def test_a_drain_while_the_broker_is_away_takes_the_waiting_slots(
    sizing: SimpleNamespace,
) -> None:
    fault = sizing.scenario.Fault
    faults = (fault("broker", 3600, lasts=1200), fault("upgrade", 4000))
    assert day(sizing, faults=faults).lost == 0


def test_a_poisoned_task_ends_after_its_crashes(sizing: SimpleNamespace) -> None:
    outcome = day(sizing, faults=(sizing.scenario.Fault("poison", 3600, tasks=4),))
    poison = [task for task in outcome.tasks if task.poison]
    assert [task.crashes for task in poison] == [6] * 4
    assert all(task.ended for task in poison)


def test_the_rule_follows_the_documented_formula(sizing: SimpleNamespace) -> None:
    rules = sizing.autoscaler.Rules(
        floor=1, ceiling=50, polling=15, tolerance=0.1, window=60, down_pods=100
    )
    rule = sizing.autoscaler.Autoscaler(rules)
    assert rule.wanted(0, 20, 22) == 20, "within the tolerance"
    assert rule.wanted(15, 20, 23) == 23
    assert rule.wanted(30, 23, 100) == 46, "at most twice as many in 15 s"
    assert rule.wanted(45, 46, 0) == 46, "the window remembers"
    assert rule.wanted(120, 46, 0) == 1


def test_one_pod_goes_in_each_period(sizing: SimpleNamespace) -> None:
    rules = sizing.autoscaler.Rules(floor=1, window=0, down_pods=1, down_period=300, polling=15)
    rule, pods = sizing.autoscaler.Autoscaler(rules), 10
    for now in range(0, 900, 15):
        pods = rule.wanted(float(now), pods, 0)
    assert pods == 7


@pytest.mark.claim("sizing.cool-down")
def test_without_a_floor_all_pods_go_at_once_after_the_cool_down(sizing: SimpleNamespace) -> None:
    rules = sizing.autoscaler.Rules(floor=0, window=1800, down_pods=1, cooldown=300, polling=15)
    rule = sizing.autoscaler.Autoscaler(rules)
    assert rule.wanted(0, 0, 8) == 1, "KEDA starts one, the HPA the rest"
    assert rule.wanted(15, 1, 8) == 5
    assert rule.wanted(30, 5, 8) == 8
    assert rule.wanted(300, 8, 0) == 8, "the window holds them"
    assert rule.wanted(330, 8, 0) == 0, "past the window and the policy"


@pytest.mark.claim("sizing.rule-is-the-charts")
def test_the_rules_numbers_are_the_charts(sizing: SimpleNamespace) -> None:
    texts = (SIZING / "manifests" / "scaling.yaml").read_text("utf-8")
    (spec,) = (d["spec"] for d in yaml.safe_load_all(texts) if d["kind"] == "ScaledObject")
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    (policy,) = behavior["scaleDown"]["policies"]
    rules = sizing.autoscaler.Rules()
    assert rules.polling == spec["pollingInterval"]
    assert rules.tolerance == float(behavior["scaleUp"]["tolerance"])
    assert rules.window == behavior["scaleDown"]["stabilizationWindowSeconds"]
    assert (rules.down_pods, rules.down_period) == (policy["value"], policy["periodSeconds"])


def test_a_scenario_with_an_unknown_word_is_refused(sizing: SimpleNamespace) -> None:
    path = SIZING / "scenarios" / "monday.toml"
    with pytest.raises(TypeError, match="podz"):
        sizing.scenario.Scenario(**{"podz": 1})
    assert sizing.scenario.Scenario.read(path).scaling.ceiling == 60


def test_lognormal_durations_have_their_percentile(sizing: SimpleNamespace) -> None:
    drawn = sizing.scenario.Durations(100, "lognormal", 250)
    chance = random.Random(4)
    values = sorted(drawn.draw(chance) for _ in range(100_000))
    assert sum(values) / len(values) == pytest.approx(100, rel=0.02)
    assert values[95_000] == pytest.approx(250, rel=0.03)


@pytest.mark.claim("sizing.replay")
def test_the_recorded_replay_is_within_15_percent() -> None:
    file = ROOT / "site_src/_data/figures/replay.json"
    figures = {n: f["value"] for n, f in json.loads(file.read_text("utf-8"))["figures"].items()}
    for name in ("mean", "p95"):
        assert figures[f"{name}-simulated"] == pytest.approx(figures[f"{name}-real"], rel=0.15)
    assert figures["mean-real"] > 0.5, "there was something to wait for"


def test_the_command_plays_a_file() -> None:
    runs = [sys.executable, str(SIZING / "simulate.py"), "--seeds", "1"]
    scenario = str(SIZING / "scenarios" / "monday.toml")
    done = subprocess.run([*runs, scenario], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(lines) == 3
    assert not math.isnan(float(lines[0].split("|")[6]))
