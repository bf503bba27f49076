"""The worker's parts that need no server: buffer, back-off, where an attempt starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.contract import Log, Progress, Start
from demo.store.records import Record
from demo.worker.buffer import LONGEST_LINE, MOST_LINES, Buffer
from demo.worker.running import backoff, start_of


def messages(buffer):
    return [event["data"].get("message") for event in buffer.peek()[0]]


def test_progress_is_merged_and_lines_are_kept():
    buffer = Buffer()
    for news in (Progress(1, "a"), Progress(2), Log("line"), Progress(3), Progress(4, "b")):
        buffer.add(news)
    events, progress = buffer.peek()
    assert [event["data"].get("percent") for event in events] == [2, None, 4]
    assert progress == {"percent": 4, "message": "b"}


def test_what_is_being_written_is_not_merged_into():
    buffer = Buffer()
    buffer.add(Progress(1))
    written, _ = buffer.peek()
    buffer.add(Progress(2))
    buffer.drop(len(written))
    assert [event["data"]["percent"] for event in buffer.peek()[0]] == [2]


def test_a_failed_write_loses_nothing():
    buffer = Buffer()
    buffer.add(Log("a"))
    buffer.peek()
    buffer.add(Log("b"))
    assert messages(buffer) == ["a", "b"]


@pytest.mark.claim("core.log-bounds")
@pytest.mark.claim("threat.x3")
def test_a_talkative_work_is_cut_off_in_words():
    buffer = Buffer()
    for _ in range(MOST_LINES + 5):
        buffer.add(Log("x" * (LONGEST_LINE + 1)))
    lines = messages(buffer)
    assert (len(lines), len(lines[0])) == (MOST_LINES, LONGEST_LINE)
    assert lines[-1] == "Further lines are not kept."


@pytest.mark.claim("patterns.backoff")
@given(st.integers(0, 100), st.none() | st.floats(0, 10**6), st.floats(0, 0.999))
def test_backoff_grows_is_bounded_and_honours_the_far_side(failures, asked, drawn):
    wait, least = backoff(failures, asked, lambda: drawn), min(asked or 0, 3600)
    assert least <= wait <= least + min(300, 2 ** (failures + 1))
    assert wait - least == pytest.approx(drawn * min(300, 2 ** (failures + 1)))


@pytest.fixture
def task():
    empty = dict.fromkeys(Record._fields)
    return Record(**empty)._replace(kind="rehearsal", step=7, state={"a": 1}, attempt=3, version=1)


def test_the_same_version_goes_on_from_its_checkpoint(task):
    assert start_of(task, None) == Start(7, {"a": 1}, 3)


@pytest.mark.claim("core.versions")
def test_another_version_is_upgraded_or_starts_over(task):
    old = task._replace(version=0)
    assert start_of(old, None) == Start(0, None, 3)
    assert start_of(old, lambda step, state: (step - 1, {"b": state["a"]})) == Start(6, {"b": 1}, 3)
