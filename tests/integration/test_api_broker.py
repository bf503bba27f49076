"""A dead or frozen broker costs a 202 nothing."""

import os
import signal
import time
from typing import Any

import httpx
import pytest

from demo.wakeups import DISPATCH, Publisher, connect
from tests.stack import eventually

from .conftest import PATIENCE, Hands, StartApi, patiently, submit

ANSWER = 2 * PATIENCE  # what a wait for the broker would take


@pytest.mark.claim("core.accepts-without-broker")
def test_a_dead_broker_costs_a_202_nothing(
    start_api: StartApi, own_hands: Hands, servers: Any
) -> None:
    with start_api(redis_url=patiently(servers.redis_url, ANSWER)) as api, api.client() as client:
        servers.valkey.kill()
        try:
            assert slowest(client, 30) < ANSWER / 4
            assert client.get("/readyz").status_code == 200
            assert client.get("/status").json()["degraded"][0].startswith("broker")
        finally:
            servers.valkey.start(forget=True)
    assert len(own_hands.rows("SELECT 1 FROM tasks WHERE status = 'queued'")) == 30


@pytest.mark.claim("core.wakeups-return")
def test_wakeups_go_on_when_the_broker_is_back(
    servers: Any, request: pytest.FixtureRequest
) -> None:
    publisher = Publisher(patiently(servers.redis_url), b"k", pause=0.01)
    request.addfinalizer(publisher.close)
    publisher.nudge()
    servers.valkey.kill()
    try:
        for _ in range(5):
            publisher.nudge()
            time.sleep(0.02)  # longer than its pause
    finally:
        servers.valkey.start()
    with connect(servers.redis_url) as client, client.pubsub() as heard:
        heard.subscribe(DISPATCH)
        assert heard.get_message(timeout=PATIENCE)["type"] == "subscribe"

        def told() -> bool:
            publisher.nudge()
            return bool(heard.get_message(timeout=0.2))

        eventually(told, what="nudges did not come back")


def test_a_frozen_broker_costs_a_202_nothing(
    start_api: StartApi, own_hands: Hands, servers: Any
) -> None:
    pid = servers.valkey.pid
    with start_api(redis_url=patiently(servers.redis_url, ANSWER)) as api, api.client() as client:
        os.kill(pid, signal.SIGSTOP)
        try:
            assert slowest(client, 300) < ANSWER / 4
        finally:
            os.kill(pid, signal.SIGCONT)
        code, seconds = api.terminate()
        assert code == 0
        assert seconds < ANSWER / 4
    assert len(own_hands.rows("SELECT 1 FROM tasks WHERE status = 'queued'")) == 300


def slowest(client: httpx.Client, times: int) -> float:
    """The longest of many submits."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        submit(client, steps=1)
        taken.append(time.monotonic() - began)
    return max(taken)
