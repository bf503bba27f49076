"""Wake-ups: signed, small, and worth nothing when forged."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from uuid_utils import uuid7

from demo.contract import Status
from demo.store.records import Record
from demo.wakeups import LARGEST, decode, encode

EVENT = {"seq": 2, "type": "log", "attempt": 1, "at": "now", "data": {"message": "é"}}


@pytest.fixture
def task():
    empty = dict.fromkeys(Record._fields)
    return Record(**empty)._replace(
        id=UUID(str(uuid7())),
        status=Status.RUNNING,
        last_seq=2,
        created=datetime.now(UTC),
        committed=[EVENT],
    )


def test_a_wakeup_carries_what_was_committed(task):
    told = decode(b"key", encode(b"key", task))
    assert (told.task_id, told.seq, list(told.events)) == (task.id, 2, [EVENT])


@pytest.mark.claim("security.forged-wakeup")
def test_a_wakeup_that_was_not_signed_with_the_key_is_nothing(task):
    good = encode(b"key", task)
    forged = [encode(b"other", task), good[:32] + good[32:].replace(b"log", b"end"), b"", b"{}"]
    assert [decode(b"key", payload) for payload in forged] == [None] * 4


def test_a_large_commit_is_told_by_its_number_only(task):
    large = {**EVENT, "data": {"message": "x" * LARGEST}}
    told = decode(b"key", encode(b"key", task._replace(committed=[large])))
    assert (told.seq, told.events) == (2, ())
