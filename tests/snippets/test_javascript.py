"""The JavaScript snippets in a real browser, over connections that are cut."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.stack import Stack

from .conftest import SNIPPETS
from .cutting import CuttingProxy

BY_EVENTSOURCE = """
async ([monitor]) => {
  const { follow } = await import("/snippet/eventsource.mjs");
  const seen = [];
  const final = await new Promise((end) => follow(monitor, (event) => seen.push(event), end));
  return [seen.map((event) => event.seq), final.status];
}"""
BY_FETCH = """
async ([monitor, last]) => {
  const { follow } = await import("/snippet/follow.mjs");
  const seen = [];
  const headers = { Authorization: "Bearer not-checked-here" };
  const frames = follow(monitor, { headers, last, pause: 200 });
  for await (const frame of frames) seen.push(JSON.parse(frame.data).seq);
  return seen;
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, beside which the snippets lie."""
    page = browser.new_page()
    page.route("**/snippet/*.mjs", _serve)
    page.route("**/empty", lambda route: route.fulfill(content_type="text/html", body="<p>"))
    yield page
    page.close()


def _serve(route: Route) -> None:
    name = route.request.url.rpartition("/")[2]
    route.fulfill(path=SNIPPETS / "javascript" / name, content_type="text/javascript")


def numbers(stack: Stack, task: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in stack.events(task)]


@pytest.mark.claim("snippets.follow")
@pytest.mark.parametrize("snippet", [BY_EVENTSOURCE, BY_FETCH], ids=["EventSource", "fetch"])
def test_a_cut_stream_is_resumed_in_the_browser(page: Page, stack: Stack, snippet: str) -> None:
    task = stack.submit(steps=8, step_seconds=0.1)
    with CuttingProxy(stack.url, limit=1500) as proxy:
        page.goto(f"{proxy.url}/empty")
        seen = page.evaluate(snippet, [proxy.through(task["links"]["self"]), "0"])
        assert proxy.cuts >= 2
    events = numbers(stack, task)
    assert seen == ([events, "succeeded"] if snippet is BY_EVENTSOURCE else events)


@pytest.mark.claim("snippets.bad-gateway")
def test_a_gateways_502_does_not_end_the_following(page: Page, stack: Stack) -> None:
    task = stack.submit(steps=3, step_seconds=0.1)
    page.route("**/stream*", lambda route: route.fulfill(status=502), times=1)
    page.goto(f"{stack.url}/empty")
    seen = page.evaluate(BY_EVENTSOURCE, [task["links"]["self"]])
    assert seen == [numbers(stack, task), "succeeded"]


def test_an_ended_task_is_not_followed_again(page: Page, stack: Stack) -> None:
    task = stack.submit(steps=1, step_seconds=0)
    stack.ended(task)
    last = numbers(stack, task)[-1]
    page.goto(f"{stack.url}/empty")
    assert page.evaluate(BY_FETCH, [task["links"]["self"], str(last)]) == []
