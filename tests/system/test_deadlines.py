"""A task that is not finished by its deadline fails, whatever it is doing then."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.system.history import FINAL, faults


def submit(client, seconds, **input):
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    body = {"kind": "rehearsal", "input": input, "deadline": deadline.isoformat()}
    answer = client.http.post("/tasks", json=body)
    assert answer.status_code == 202, answer.text
    client.promised.append(answer.json())
    return client.promised[-1]


INPUTS = [
    {"steps": 1000, "step_seconds": 0.2},  # between steps
    {"steps": 1, "step_seconds": 600},  # asleep
    {"steps": 2, "step_seconds": 0, "fail_at": 1, "failure": "hang"},
]


@pytest.mark.claim("fair.deadline")
def test_running_tasks_are_stopped_at_their_deadline(client):
    client.settle(client.submit(steps=1, step_seconds=0))  # the worker is up
    # far enough for a busy machine to have claimed all three
    for task in [submit(client, 12, **input) for input in INPUTS]:
        ended = client.until(task, lambda now: now["status"] in FINAL)
        events = client.events(task)
        assert (ended["status"], ended["error"]["code"]) == ("failed", "deadline_exceeded")
        assert ended["attempt"] == 1
        assert events[-1]["data"]["error"]["code"] == "deadline_exceeded"
        assert faults(ended, events) == []
        finished, deadline = (datetime.fromisoformat(ended[at]) for at in ("finished", "deadline"))
        assert finished >= deadline
