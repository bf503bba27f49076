"""Kill each part while tasks run: nothing accepted is lost, no checkpointed step runs twice.

Every test ends with the whole history checked (`history.py`), the stream compared with the log
byte by byte where one was open, and every 202 kept.
"""

import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime

import httpx
import psutil
import pytest

from tests.stack import ROOT, Stack, eventually
from tests.system.conftest import Client

REASONS = {"worker_lost", "lease_expired"}
POLL = 20.0
# 8 s: a test that is held up between two looks still breaks something while they run
LONG = {"steps": 40, "step_seconds": 0.2}


def reasons(events):
    return [event["data"].get("reason") for event in events if event["type"] == "status"]


@pytest.mark.claim("core.starts-within-a-second")
def test_a_task_is_claimed_within_a_second_of_its_202():
    """A poll that comes after 20 s tells a wake-up from it on any machine."""
    with (
        Stack.running("--no-guide", DEMO_POLL=str(POLL)) as stack,
        httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as http,
    ):
        client, waits = Client(http), []
        for _ in range(6):
            task = client.submit(steps=1, step_seconds=0)
            client.settle(task)
            at = {e["data"].get("reason"): e["at"] for e in client.events(task)}
            waits.append(seconds_between(at["submitted"], at["claimed"]))
    # the first may come before the dispatcher listens; whoever polls is asked right after a look
    assert max(waits[1:]) < POLL / 4, waits
    assert sorted(waits)[2] < 1, waits


@pytest.mark.claim("core.child-lost")
def test_a_killed_pool_child_costs_no_checkpoint(client, stack):
    task = client.submit(**LONG)
    follower = client.follow(task)
    client.at_step(task, 3)
    stack.kill_pool()
    client.until(task, lambda now: now["attempt"] == 2)
    ended = client.settle(task, follower)
    assert (ended["status"], ended["result"]["steps"]) == ("succeeded", LONG["steps"])
    assert REASONS & set(reasons(client.events(task)))


@pytest.mark.claim("core.worker-lost")
@pytest.mark.claim("core.no-loss")
def test_a_killed_worker_is_replaced_and_the_task_goes_on(client, stack):
    task = client.submit(**LONG)
    follower = client.follow(task)
    client.at_step(task, 3)
    stack.kill("worker")
    client.until(task, lambda now: now["attempt"] == 2)  # 4 s on a quiet machine
    assert client.settle(task, follower)["status"] == "succeeded"


@pytest.mark.claim("core.release")
def test_sigterm_hands_a_running_task_back_without_a_crash(client, stack):
    task = client.submit(**LONG)
    client.at_step(task, 3)
    stack.terminate("worker")
    assert client.settle(task)["status"] == "succeeded"
    told = reasons(client.events(task))
    assert told == ["submitted", "claimed", "released", "claimed"]


@pytest.mark.claim("core.gapless")
@pytest.mark.claim("core.no-loss")
def test_a_wiped_broker_loses_no_task_and_no_event(client, stack):
    running = client.submit(**LONG)
    follower = client.follow(running)
    client.at_step(running, 3)
    queued = [client.submit(steps=2, step_seconds=0.1) for _ in range(8)]
    stack.valkey.kill()
    stack.valkey.start(forget=True)
    assert client.settle(running, follower)["attempt"] == 1
    assert {client.settle(task)["status"] for task in queued} == {"succeeded"}


@pytest.mark.claim("core.database-restart")
@pytest.mark.claim("core.no-loss")
def test_a_postgres_crash_is_waited_out_by_the_same_attempt(client, stack):
    task = client.submit(**LONG)
    follower = client.follow(task)
    client.at_step(task, 3)
    stack.postgres.kill()
    stack.postgres.start()
    ended = client.settle(task, follower)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)


@pytest.mark.claim("core.accepts-without-broker")
def test_a_dead_broker_costs_no_202(client, stack):
    stack.valkey.kill()
    try:
        tasks = [client.submit(steps=1, step_seconds=0) for _ in range(5)]
        assert {client.get(task)["status"] for task in tasks} == {"queued"}
    finally:
        stack.valkey.start(forget=True)
    assert {client.settle(task)["status"] for task in tasks} == {"succeeded"}


@pytest.mark.claim("core.cancel-without-worker")
def test_a_cancel_holds_while_no_worker_is_up(client, stack):
    running = client.submit(steps=2000, step_seconds=0.2)
    client.at_step(running, 1)
    with stack.without("worker"):
        assert client.cancel(running).json()["status"] == "canceling"  # its lease still runs
        queued = client.submit(steps=1)
        assert client.cancel(queued).json()["status"] == "canceled"
    assert client.settle(running)["status"] == "canceled"
    assert client.settle(queued)["attempt"] == 0


@pytest.mark.claim("core.api-restarted")
@pytest.mark.claim("core.no-loss")
def test_an_api_restart_is_invisible_to_a_client_that_resumes(client, stack):
    task = client.submit(steps=50, step_seconds=0.2, log_lines=2)
    follower = client.follow(task)
    client.at_step(task, 3)
    stack.kill("api")
    client.at_step(task, 10)
    stack.terminate("api")
    assert client.settle(task, follower)["status"] == "succeeded"
    assert follower.connections >= 3


@pytest.mark.claim("stream.lost-wakeup")
def test_a_worker_killed_between_commit_and_wakeup_hides_no_event(client, stack):
    environment = psutil.Process(stack.pid("worker")).environ()
    environment["DEMO_LEASE"] = "600"  # else its end would tell, too
    with stack.without("worker"), doomed_worker(environment) as doomed:
        task = client.submit(steps=6, step_seconds=0.1)
        follower = client.follow(task)
        doomed.wait(90)
        committed = client.events(task)
        assert committed[-1]["data"].get("step") == 2, committed
        eventually(
            lambda: len(follower.frames) >= len(committed),
            what="the sweep did not find what no wake-up told",
        )
        assert client.events(task) == committed, "nothing else told of it"
    assert client.settle(task, follower)["status"] == "succeeded"


@contextmanager
def doomed_worker(environment):
    """A real worker whose child kills it and itself between COMMIT and wake-up.

    It has the name of the one that follows it, and so its task is free as soon as that starts.
    """
    program = ["celery", "-A", "demo.broker", "worker", "-I", "tests.system.dies_before_wakeup"]
    options = ["-n", "worker@local", "-c", "1", "-Q", "rehearsal", "-l", "ERROR"]
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(
        [sys.executable, "-m", *program, *options],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.claim("core.cancel-force")
def test_a_work_that_heeds_nothing_is_ended(client, stack):
    task = client.submit(steps=5, step_seconds=0.1, fail_at=2, failure="hang")
    client.at_step(task, 1)
    assert client.cancel(task).json()["status"] == "canceling"
    assert client.settle(task)["status"] == "canceled"
    # by the grace of 3 s, and not by the stall timeout, which would end it, too
    told, log = f"task {task['id']}: the word to stop was not heeded", stack.data / "logs"
    eventually(lambda: told in (log / "worker.log").read_text(), what=told)


@pytest.mark.claim("core.fails-in-words")
@pytest.mark.parametrize(
    ("failure", "code", "attempts"),
    [("permanent", "rehearsed", 1), ("crash", "worker_lost", 6)],
)
def test_a_task_that_can_not_succeed_fails_in_words(client, failure, code, attempts):
    task = client.submit(steps=3, step_seconds=0, fail_at=2, failure=failure)
    ended = client.settle(task, seconds=150)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", code, attempts)
    assert ended["error"]["message"]


def seconds_between(earlier, later):
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
