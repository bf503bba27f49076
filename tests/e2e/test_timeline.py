"""The picture of a task: where everything lies, and what it is called in words."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Elsewhere, Open
from tests.e2e.runs import Run, survived

GEOMETRY = """async ([events, options]) => {
  const { geometry } = await import("/geometry.js");
  const { Story } = await import("/story.js");
  return geometry(Story.of(events), options);
}"""
ROUND = """async (lengths) => {
  const { roundUp } = await import("/axis.js");
  return lengths.map((length) => roundUp(length));
}"""
START = 1795510800000  # of the runs, 2026-11-24T09:00Z, in milliseconds


@pytest.fixture
def page(open_page: Open, elsewhere: Elsewhere) -> Page:
    return open_page(elsewhere.page("/empty.html", ""))


def picture(page: Page, run: Run, **options: Any) -> dict[str, Any]:
    asked = {"width": 1000, "large": True, **options}
    drawn: dict[str, Any] = page.evaluate(GEOMETRY, [run.events, asked])
    return drawn


def test_the_gap_after_a_dead_attempt_has_its_length_and_its_place(page: Page) -> None:
    drawn = picture(page, survived())
    first, second = drawn["lanes"]
    gap = drawn["gaps"][1]
    assert (gap["kind"], gap["note"], gap["label"]) == ("lost", "worker lost", "12.2 s")
    assert gap["from"] == pytest.approx(first["to"])
    assert gap["to"] == pytest.approx(second["from"])
    per_second = (drawn["right"] - drawn["left"]) / 43.5
    assert gap["to"] - gap["from"] == pytest.approx(12.2 * per_second, abs=0.5)


def test_what_a_checkpoint_kept_is_told_apart_from_what_was_lost(page: Page) -> None:
    first, second = picture(page, survived())["lanes"]
    assert first["kept"] == pytest.approx(first["ticks"][-1]["x"])
    assert first["kept"] < first["to"]
    assert second["kept"] == second["to"]
    assert [len(lane["ticks"]) for lane in (first, second)] == [7, 13]


def test_the_picture_has_a_name_in_words(page: Page) -> None:
    assert picture(page, survived())["label"] == (
        "Attempt 1 ran 11 s, 7 checkpoints, worker lost; 12.2 s without work; "
        "attempt 2 ran 20 s, 13 checkpoints, succeeded; succeeded after 44 s."
    )
    waiting = picture(page, Run().submitted(), now=START + 1000)
    assert waiting["label"] == "Queued, no attempt so far."


def test_lanes_do_not_overlap_and_stay_inside_at_every_size(page: Page) -> None:
    run = Run().submitted()
    for _ in range(9):
        run.claimed().steps(1).lost(3)
    run.claimed().steps(1).end("succeeded")
    for width, large in ((1000, True), (300, True), (200, False), (1, False)):
        drawn = picture(page, run, width=width, large=large)
        edges = [
            (lane["y"] - lane["bar"] / 2, lane["y"] + lane["bar"] / 2) for lane in drawn["lanes"]
        ]
        assert all(0 <= top < bottom <= drawn["height"] for top, bottom in edges)
        distinct = sorted(set(edges))
        assert all(above[1] <= below[0] for above, below in pairwise(distinct))
        assert drawn["height"] == 24 or large


def test_a_hundred_thousand_checkpoints_stay_ticks(page: Page) -> None:
    run = Run().submitted().claimed()
    for _ in range(20_000):
        run.step += 1
        run.add("progress", 0.01, step=run.step)
    (lane,) = picture(page, run.end("succeeded"))["lanes"]
    spaces = [b["x"] - a["x"] for a, b in pairwise(lane["ticks"])]
    assert min(spaces) >= 3
    assert len(spaces) > 100


def test_while_a_task_is_open_the_past_stands_still(page: Page) -> None:
    run = Run().submitted().claimed().steps(3)
    early, late = (picture(page, run, now=START + seconds * 1000) for seconds in (6.1, 7.2))
    assert early["lanes"][0]["ticks"] == late["lanes"][0]["ticks"]
    assert early["cap"]["x"] < late["cap"]["x"] < late["right"]


def test_the_axis_of_an_open_task_is_never_much_too_long(page: Page) -> None:
    lengths = [1000 * 1.07**n for n in range(200)]
    ends = page.evaluate(ROUND, lengths)
    assert all(length < end for length, end in zip(lengths, ends, strict=True))
    assert all(end < 1.4 * max(length, 4000) for length, end in zip(lengths, ends, strict=True))


def test_events_seen_twice_or_cut_off_do_no_harm(page: Page) -> None:
    run = survived()
    run.events = [run.events[0], *run.events]
    assert [len(lane["ticks"]) for lane in picture(page, run)["lanes"]] == [7, 13]
    run.events = run.events[12:]
    assert len(picture(page, run)["lanes"]) == 2
