"""The operators' page: a dead letter is mended, another set aside, and the log says so."""

import re

import pytest
from playwright.sync_api import expect

from demo.store import hosts
from demo.store.engines import begin, engine
from tests.e2e.conftest import Open
from tests.stack import Stack


@pytest.mark.claim("failures.letters-shown")
def test_dead_letters_are_settled_by_keyboard(open_page: Open, stack: Stack) -> None:
    mended, dropped = (stack.submit(steps=3, step_seconds=0, fail_at=2) for _ in range(2))
    for task in (mended, dropped):
        assert stack.ended(task)["status"] == "failed"
    page = open_page(f"{stack.url}/", scheme="dark", width=390)
    page.get_by_role("link", name="Operations", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1, name="Operations")).to_be_focused()
    letters = page.locator(".letters li")

    def letter(task):
        link = page.locator(f'a[href="#/tasks/{task["id"]}"]')
        return letters.filter(has=link)

    letter(dropped).locator("summary").press("Enter")
    reason = letter(dropped).get_by_label("Or set it aside, because")
    reason.fill("<b>Not needed</b>")
    reason.press("Enter")
    expect(letter(dropped)).to_have_count(0)
    log = page.get_by_role("region", name="What was done")
    expect(log.get_by_role("row").nth(1)).to_contain_text("<b>Not needed</b>")

    letter(mended).locator("summary").press("Enter")
    expect(letter(mended).locator(".failure")).to_contain_text("Step 2 failed")
    letter(mended).get_by_label("Fail at step").fill("")
    letter(mended).get_by_role("button", name="Retry as a new task").press("Enter")
    expect(page).to_have_url(re.compile("#/tasks/"))
    expect(page.locator("task-stream .status")).to_have_text("Succeeded")
    page.goto(f"{stack.url}/#/operations")
    expect(letter(mended)).to_have_count(0)
    expect(log.get_by_role("row").nth(1)).to_contain_text("Retried")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


@pytest.mark.claim("failures.breaker-shown")
def test_a_far_side_that_is_left_alone_is_shown(open_page: Open, stack: Stack) -> None:
    source = engine(stack.postgres.url())
    with begin(source) as connection:
        hosts.turn(connection, "dead.example", 0)
        hosts.failed(connection, "dead.example", threshold=1, seconds=600)
    try:
        page = open_page(f"{stack.url}/#/operations")
        sides = page.get_by_role("region", name="Far sides")
        row = sides.get_by_role("row").filter(has_text="dead.example")
        expect(row).to_contain_text("until")
    finally:
        with begin(source) as connection:
            hosts.answered(connection, "dead.example")
        source.dispose()
