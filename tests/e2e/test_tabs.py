"""Many tabs of one browser share one stream; nothing is lost when the tab that reads it goes."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.stack import Stack, eventually

from .conftest import new_context
from .counting import CountingProxy

TABS = 10
pytestmark = pytest.mark.timeout(600)
LEADER = """async () => {
  const { held } = await navigator.locks.query();
  const mine = held.filter((lock) => lock.name.startsWith("tasks of"));
  const leading = mine.find((lock) => !lock.name.includes(", tab "));
  return mine.some((lock) => lock.name.includes(", tab ") && lock.clientId === leading?.clientId)
    ? leading.clientId : null;
}"""
# what a browser tells of a page's own id is only that of its locks
WHOSE = """async () => {
  const name = `probe ${Math.random()}`;
  return navigator.locks.request(name, async () => {
    const { held } = await navigator.locks.query();
    return held.find((lock) => lock.name === name).clientId;
  });
}"""

# a tab that leads and says nothing to the others
SILENT = """() => {
  const say = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    if (message.from) say.call(this, message);
  };
}"""


@pytest.fixture
def proxy(stack: Stack) -> Iterator[CountingProxy]:
    with CountingProxy(stack.url) as proxy:
        yield proxy


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def work(stack: Stack) -> Iterator[Callable[[], dict[str, Any]]]:
    """Tasks that are at work until the test is over."""
    tasks: list[dict[str, Any]] = []

    def start() -> dict[str, Any]:
        tasks.append(stack.submit(steps=6000, step_seconds=0.3, log_lines=1))
        stack.until(tasks[-1], "running", step=1)
        return tasks[-1]

    yield start
    for task in tasks:
        stack.client.post(f"/tasks/{task['id']}/cancel")
        stack.ended(task)


def opened(context: BrowserContext, url: str, task: dict[str, Any]) -> Page:
    page = context.new_page()
    page.goto(f"{url}/#/tasks/{task['id']}")
    return page


def live(page: Page) -> None:
    """It says so, and its log grows."""
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    lines = page.locator(".log-lines li")
    before = lines.count()
    expect(lines.nth(before + 2)).to_be_visible()


def leader(pages: list[Page]) -> Page:
    """The tab that holds the lock."""

    def found() -> Page | None:
        leads = pages[0].evaluate(LEADER)
        return next((page for page in pages if page.evaluate(WHOSE) == leads), None)

    return eventually(found, what="no tab leads")


def whole(page: Page, stack: Stack, task: dict[str, Any]) -> None:
    """After its end a page has each log line once."""
    stack.client.post(f"/tasks/{task['id']}/cancel")
    stack.ended(task)
    expect(page.locator("task-stream .status")).to_have_text("Canceled")
    expect(page.get_by_text(re.compile("^Complete: "))).to_be_visible()
    shown = [text for text in page.locator(".log-text").all_inner_texts() if ", line " in text]
    logs = [event["data"]["message"] for event in stack.events(task) if event["type"] == "log"]
    assert shown == logs


def crash(page: Page) -> None:
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")


@pytest.mark.claim("tabs.one")
def test_ten_tabs_hold_one_connection_and_all_are_live(
    context: BrowserContext, stack: Stack, proxy: CountingProxy, work: Callable[[], dict[str, Any]]
) -> None:
    tasks = [work(), work()]
    pages = [opened(context, proxy.url, tasks[number % 2]) for number in range(TABS)]
    for page in pages:
        live(page)
    eventually(lambda: proxy.open_streams == 1, what=str(proxy.asked))
    whole(pages[0], stack, tasks[0])
    live(pages[1])
    for page in pages[2::2]:
        expect(page.locator("task-stream .status")).to_have_text("Canceled")


@pytest.mark.claim("tabs.hand-over")
@pytest.mark.parametrize("end", ["close", "crash", "freeze"])
def test_another_tab_goes_on_when_the_reading_one_ends(
    context: BrowserContext,
    stack: Stack,
    proxy: CountingProxy,
    work: Callable[[], dict[str, Any]],
    end: str,
) -> None:
    task = work()
    pages = [opened(context, proxy.url, task) for _ in range(3)]
    for page in pages:
        live(page)
    leads = leader(pages)
    left = [page for page in pages if page is not leads]
    session = context.new_cdp_session(leads)
    if end == "close":
        leads.close()
    elif end == "crash":
        crash(leads)
    else:
        session.send("Page.setWebLifecycleState", {"state": "frozen"})
    for page in left:
        live(page)
    eventually(lambda: proxy.open_streams == 1)
    for page in left:
        whole(page, stack, task)
    if end == "freeze":
        session.send("Page.setWebLifecycleState", {"state": "active"})
        whole(leads, stack, task)


def cut(proxy: CountingProxy) -> None:
    """Until the stream is asked for again, a page may still say that it is live."""
    eventually(lambda: proxy.open_streams == 1, what=str(proxy.asked))
    before = len(proxy.asked)
    proxy.cut()
    eventually(lambda: len(proxy.asked) > before, what="nobody came back")


@pytest.mark.claim("tabs.cut")
def test_a_cut_stream_is_resumed_for_all_tabs(
    context: BrowserContext, stack: Stack, proxy: CountingProxy, work: Callable[[], dict[str, Any]]
) -> None:
    task = work()
    pages = [opened(context, proxy.url, task) for _ in range(2)]
    for _ in range(2):
        for page in pages:
            live(page)
        cut(proxy)
    for page in pages:
        live(page)
    for page in pages:
        whole(page, stack, task)


@pytest.mark.claim("tabs.refused")
def test_a_refused_stream_is_replaced_by_polling_and_tried_again(
    context: BrowserContext, stack: Stack, proxy: CountingProxy, work: Callable[[], dict[str, Any]]
) -> None:
    task = work()
    proxy.refusing = 429
    page = opened(context, proxy.url, task)
    for status in (429, 503):
        proxy.refusing = status
        expect(page.get_by_text("Live, by polling")).to_be_visible()
        lines = page.locator(".log-lines li")
        expect(lines.nth(lines.count() + 1)).to_be_visible()
    assert proxy.open_streams == 0
    proxy.refusing = None
    live(page)
    whole(page, stack, task)


@pytest.mark.claim("tabs.silent")
def test_a_reading_tab_that_says_nothing_loses_its_lead(
    context: BrowserContext, stack: Stack, proxy: CountingProxy, work: Callable[[], dict[str, Any]]
) -> None:
    task = work()
    mute = opened(context, proxy.url, task)
    live(mute)
    page = context.new_page()
    page.clock.install()
    page.goto(f"{proxy.url}/#/tasks/{task['id']}")
    live(page)
    assert leader([mute, page]) is mute
    mute.evaluate(SILENT)
    page.clock.fast_forward(100_000)
    eventually(lambda: leader([mute, page]) is page)
    live(page)
    live(mute)
    eventually(lambda: proxy.open_streams == 1, what=str(proxy.asked))
    for one in (mute, page):
        whole(one, stack, task)


@pytest.mark.claim("tabs.plain-http")
def test_where_tabs_cannot_share_each_reads_for_itself(
    context: BrowserContext, stack: Stack, proxy: CountingProxy, work: Callable[[], dict[str, Any]]
) -> None:
    # as on plain http under a name: the browser has no locks there
    context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    task = work()
    pages = [opened(context, proxy.url, task) for _ in range(2)]
    for page in pages:
        live(page)
    eventually(lambda: proxy.open_streams == 2)
    pages[0].close()
    whole(pages[1], stack, task)
