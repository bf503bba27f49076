"""The UI against the real stack: what people do with it, with keyboard, phone and bad luck."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Watch
from tests.stack import Stack, eventually

ATTACK = "<img src=x onerror=alert(1)>"
pytestmark = pytest.mark.timeout(600)  # the guide may have to be built first


@pytest.fixture
def ui(open_page: Open, stack: Stack) -> Page:
    return open_page(f"{stack.url}/")


@pytest.fixture
def slow(stack: Stack) -> Iterator[dict[str, Any]]:
    """A task that is at work until it is canceled."""
    task = stack.submit(steps=6000, step_seconds=0.3, log_lines=1)
    stack.until(task, "running", step=1)
    yield task
    stack.client.post(f"/tasks/{task['id']}/cancel")
    stack.ended(task)


@contextmanager
def without_api(stack: Stack) -> Iterator[None]:
    """The API killed and kept away; afterwards it answers again."""
    try:
        with stack.without("api"):
            yield
    finally:
        eventually(lambda: answers(stack), what="the API did not come back")


def answers(stack: Stack) -> bool:
    try:
        return stack.client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def status(page: Page, word: str) -> None:
    expect(page.locator("task-stream .status")).to_have_text(word)


def test_a_scrape_from_submit_to_result_by_keyboard_alone(ui: Page, guide: str) -> None:
    expect(ui.get_by_label("Start page")).to_have_value(guide)
    expect(ui.get_by_text("Asking …")).to_be_hidden()
    for _ in range(20):
        ui.keyboard.press("Tab")
        if ui.evaluate("document.activeElement.textContent") == "Submit web scrape":
            break
    ui.keyboard.press("Enter")
    expect(ui).to_have_url(re.compile("#/tasks/"))
    expect(ui.get_by_role("heading", level=1)).to_be_focused()
    status(ui, "Succeeded")
    expect(ui.locator(".log-lines li").first).to_have_text(re.compile("Submitted"))
    expect(ui.get_by_role("img", name="Attempt 1 ran")).to_be_visible()
    pages = ui.get_by_role("region", name="Pages").get_by_role("row")
    expect(pages).to_have_count(11)
    expect(ui.get_by_text(re.compile("^10 pages, .* words, "))).to_be_visible()
    expect(ui).to_have_title("Succeeded · Web scrape")


def test_progress_arrives_live_over_one_stream(
    ui: Page, slow: dict[str, Any], watch: Watch
) -> None:
    ui.goto(ui.url + f"#/tasks/{slow['id']}")
    status(ui, "Running")
    expect(ui.get_by_text("Live", exact=True)).to_be_visible()
    before = ui.locator(".log-lines li").count()
    expect(ui.locator(".log-lines li").nth(before + 3)).to_be_visible()
    asked = [url for url in watch.requests if slow["id"] in url]
    assert len([url for url in asked if "/stream?" in url]) == 1
    assert not any("/events" in url for url in asked if "limit=500" not in url)


def test_a_task_has_an_address_of_its_own(
    open_page: Open, stack: Stack, slow: dict[str, Any]
) -> None:
    page = open_page(f"{stack.url}/#/tasks/{slow['id']}")
    status(page, "Running")
    page.reload()
    status(page, "Running")
    page.get_by_role("link", name="All tasks").click()
    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    expect(page).to_have_title("Tasks · Long-running operations")
    page.go_back()
    status(page, "Running")


def test_cancel_stops_a_running_task(open_page: Open, stack: Stack, slow: dict[str, Any]) -> None:
    page = open_page(f"{stack.url}/#/tasks/{slow['id']}")
    page.get_by_role("button", name="Cancel").press("Enter")
    status(page, "Canceled")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_role("img", name="canceled after")).to_be_visible()


def test_a_failure_is_said_in_words_and_retried_with_other_input(
    open_page: Open, stack: Stack
) -> None:
    task = stack.submit(steps=3, step_seconds=0, fail_at=2)
    stack.ended(task)
    page = open_page(f"{stack.url}/#/tasks/{task['id']}")
    status(page, "Failed")
    why = page.locator("section", has=page.get_by_role("heading", name="Why it failed"))
    expect(why).to_contain_text("Step 2 failed, as it was asked to.")
    link = why.get_by_role("link", name="What this means and what to do")
    expect(link).to_have_attribute("href", re.compile("/guide/reference/problems/#rehearsed$"))
    expect(page.get_by_label("Fail at step")).to_have_value("2")
    page.get_by_label("Fail at step").fill("")
    page.get_by_role("button", name="Retry as a new task").click()
    expect(page).not_to_have_url(re.compile(task["id"]))
    status(page, "Succeeded")
    expect(page.get_by_text("3 steps, each committed once")).to_be_visible()
    expect(page.get_by_role("link", name=task["id"])).to_be_visible()


def test_bad_input_is_said_at_its_field(ui: Page, watch: Watch) -> None:
    watch.forgiven = ("status of 422",)
    ui.get_by_label("Start page").fill("not a url")
    ui.get_by_label("Pages at most").fill("51")
    ui.get_by_role("button", name="Submit web scrape").click()
    url, pages = ui.get_by_label("Start page"), ui.get_by_label("Pages at most")
    expect(url).to_have_attribute("aria-invalid", "true")
    expect(url).to_be_focused()
    expect(url).to_have_accessible_description(re.compile("valid URL"))
    expect(pages).to_have_accessible_description(re.compile("less than or equal to 50"))
    pages.fill("many")
    ui.get_by_role("button", name="Submit web scrape").click()
    expect(pages).to_have_accessible_description(re.compile("integer"))
    expect(ui).not_to_have_url(re.compile("tasks"))


def test_kinds_are_tabs_for_the_arrow_keys(ui: Page) -> None:
    ui.get_by_role("tab", name="Web scrape").focus()
    ui.keyboard.press("ArrowRight")
    expect(ui.get_by_role("tab", name="Rehearsal")).to_be_focused()
    expect(ui.get_by_role("tab", name="Rehearsal")).to_have_attribute("aria-selected", "true")
    ui.get_by_label("Steps").fill("2")
    ui.get_by_label("Seconds a step").fill("0")
    ui.get_by_label("Log lines a step").fill("1")
    ui.get_by_role("button", name="Submit rehearsal").click()
    status(ui, "Succeeded")
    expect(ui.get_by_text("Step 2, line 1", exact=True)).to_be_visible()


def test_the_list_shows_and_filters_every_status(
    ui: Page, stack: Stack, slow: dict[str, Any]
) -> None:
    failed, done = stack.submit(steps=1, step_seconds=0, fail_at=1), stack.submit(steps=1)
    gone = stack.submit(steps=6000)
    stack.client.post(f"/tasks/{gone['id']}/cancel")
    tried = stack.submit(steps=2, step_seconds=0, fail_at=2, failure="transient")
    stack.until(tried, "queued", step=1)
    for task in (failed, done, gone):
        stack.ended(task)
    words = {
        slow["id"]: "Running",
        failed["id"]: "Failed",
        done["id"]: "Succeeded",
        gone["id"]: "Canceled",
    }
    for id, word in words.items():
        row = ui.locator(f".row[data-id='{id}']")
        expect(row.locator(".row-status")).to_have_text(word)
        expect(row.get_by_role("img")).to_be_visible()
    stack.client.post(f"/tasks/{tried['id']}/cancel")
    ui.get_by_role("combobox", name="Status").select_option("Failed")
    expect(ui).to_have_url(re.compile("status=failed"))
    expect(ui.locator(f".row[data-id='{failed['id']}']")).to_be_visible()
    expect(ui.locator(f".row[data-id='{done['id']}']")).to_have_count(0)
    ui.reload()
    expect(ui.get_by_role("combobox", name="Status")).to_have_value("failed")
    expect(ui.locator(".row-status", has_not_text="Failed")).to_have_count(0)
    ui.get_by_role("combobox", name="Kind").select_option("Web scrape")
    ui.locator(".row, .empty:not([hidden])").first.wait_for()
    expect(ui.get_by_text("Rehearsal 1 steps")).to_have_count(0)


def test_the_list_follows_without_streams(ui: Page, slow: dict[str, Any], watch: Watch) -> None:
    row = ui.locator(f".row[data-id='{slow['id']}']")
    name = row.get_by_role("img").get_attribute("aria-label")
    expect(row.get_by_role("img", name="still at work")).to_be_visible()
    eventually(lambda: row.get_by_role("img").get_attribute("aria-label") != name)
    assert not any("/stream?" in url for url in watch.requests)


def test_many_tasks_come_page_by_page(ui: Page, stack: Stack) -> None:
    for _ in range(25):
        stack.submit(steps=1, step_seconds=0)
    expect(ui.locator(".row")).to_have_count(20)
    ui.get_by_role("button", name="Show more").click()
    expect(ui.locator(".row").nth(24)).to_be_visible()


def test_a_killed_worker_is_seen_as_a_gap_and_the_task_ends_well(
    open_page: Open, stack: Stack
) -> None:
    task = stack.submit(steps=40, step_seconds=0.4)  # long enough to be killed in the middle
    page = open_page(f"{stack.url}/#/tasks/{task['id']}")
    stack.until(task, "running", step=3)
    stack.kill_worker()
    stack.ended(task)
    status(page, "Succeeded")
    expect(page.get_by_role("img", name=re.compile("worker lost; .* without work"))).to_be_visible()
    attempts = page.get_by_role("region", name="Attempts")
    expect(attempts).to_contain_text(re.compile("Worker lost, noticed .* The next attempt began"))
    expect(page.get_by_text(re.compile("by 2 attempts"))).to_be_visible()


@pytest.mark.claim("threat.x1")
def test_text_from_tasks_stays_text(open_page: Open, stack: Stack) -> None:
    task = stack.submit("web_scrape", url=f"http://127.0.0.1:1/{ATTACK}", max_pages=1)
    stack.ended(task)
    page = open_page(f"{stack.url}/#/tasks/{task['id']}")
    status(page, "Failed")
    assert page.locator("img[src]").count() == 0
    page.goto(f"{stack.url}/#/?status={ATTACK}")
    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()


def test_an_unknown_task_is_a_page_that_says_so(
    open_page: Open, stack: Stack, watch: Watch
) -> None:
    watch.forgiven = ("status of 404", "status of 410")
    page = open_page(f"{stack.url}/#/tasks/019ab3c0-0000-7000-8000-000000000001")
    expect(page.get_by_role("heading", name="No such task")).to_be_visible()


def test_a_dead_api_is_a_banner_and_the_page_recovers(
    open_page: Open, stack: Stack, slow: dict[str, Any], watch: Watch
) -> None:
    watch.forgiven = ("net::ERR_", "status of 503")
    page = open_page(f"{stack.url}/#/tasks/{slow['id']}")
    status(page, "Running")
    lines = page.locator(".log-lines li")
    expect(lines.nth(2)).to_be_visible()
    with without_api(stack):
        expect(page.get_by_text("The API does not answer.")).to_be_visible()
        expect(page.get_by_text("The demo does not answer. Trying again")).to_be_visible()
        expect(lines.nth(2)).to_be_visible()
    expect(page.get_by_text("The API does not answer.")).to_have_count(0)
    before = lines.count()
    expect(lines.nth(before + 2)).to_be_visible()
    texts = [text.split("Step")[1] for text in lines.all_inner_texts() if "Step" in text]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone(
    open_page: Open, stack: Stack, slow: dict[str, Any], scheme: str
) -> None:
    page = open_page(f"{stack.url}/", width=320, scheme=scheme)
    expect(page.locator(".row svg.tl").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.goto(f"{stack.url}/#/tasks/{slow['id']}")
    status(page, "Running")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]


def test_the_widget_in_the_guide_is_live(open_page: Open, guide: str) -> None:
    page = open_page(guide)
    widget = page.locator("task-stream").first
    widget.get_by_role("button", name="Start a real scrape of this guide").click()
    expect(widget.locator(".status")).to_have_text("Succeeded")
    expect(widget.get_by_role("link", name="Task page")).to_be_visible()
    expect(widget.get_by_text("The same with curl")).to_be_visible()
