"""Plain Celery loses, doubles and forgets tasks as the guide says; the quick experiments only.

`python -m snippets.experiments` runs all of them, and records their figures with `--record`.
"""

import pytest

from snippets.experiments import broker_killed, child_killed, outlived, revoked


@pytest.mark.claim("celery.early-ack-loses")
def test_by_default_the_task_of_a_killed_child_is_given_up() -> None:
    seen = child_killed.by_default()
    assert (seen["starts"], seen["finishes"], seen["state"]) == (1, 0, "FAILURE")


@pytest.mark.claim("celery.late-ack-loses")
def test_late_ack_alone_gives_up_the_task_of_a_killed_child() -> None:
    seen = child_killed.acked_late()
    assert (seen["starts"], seen["finishes"], seen["state"]) == (1, 0, "FAILURE")
    assert seen["held"] == 0, "the broker has nothing left to deliver again"


@pytest.mark.claim("celery.poison-endless")
def test_a_task_that_kills_its_process_is_started_again_and_again() -> None:
    seen = child_killed.poison(times=4)
    assert seen["starts"] >= 4
    assert (seen["finishes"], seen["state"]) == (0, "PENDING"), "nobody is told"


@pytest.mark.claim("celery.outlived-doubles")
def test_a_healthy_task_that_outlives_the_timeout_runs_twice_at_once() -> None:
    seen = outlived.outlived()
    assert seen["at_once"] == 2
    assert seen["finishes"] == 2


@pytest.mark.claim("celery.broker-forgets")
def test_a_broker_that_forgets_loses_what_was_queued() -> None:
    seen = broker_killed.forgotten()
    assert (seen["sent"], seen["finished"]) == (5, 1)
    assert seen["state_of_lost"] == "PENDING", "lost looks like waiting"


@pytest.mark.claim("celery.revoke-forgotten")
def test_a_revoked_task_runs_after_its_worker_was_replaced() -> None:
    seen = revoked.forgotten()
    assert (seen["told"], seen["finishes"], seen["state"]) == ("REVOKED", 1, "SUCCESS")


@pytest.mark.claim("celery.revoke-unheard")
def test_a_task_revoked_while_no_worker_was_up_runs() -> None:
    seen = revoked.unheard()
    assert (seen["finishes"], seen["state"]) == (1, "SUCCESS")
