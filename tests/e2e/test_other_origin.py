"""The widget on a page of another origin: live only after a click, and only where it is let in."""

import json
import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.e2e.conftest import Elsewhere, Open, Watch
from tests.stack import Stack

WORK = json.dumps({"steps": 6000, "step_seconds": 0.3, "log_lines": 1})


def test_after_a_click_it_is_live_from_an_origin_that_was_let_in(
    open_page: Open, elsewhere: Elsewhere, watch: Watch
) -> None:
    with Stack.running("--no-guide", DEMO_DOCS_ORIGIN=elsewhere.url) as stack:
        url = elsewhere.widget(stack.url, f"kind='rehearsal' input='{WORK}'")
        page = open_page(url, motion=False)
        expect(page.get_by_text("Recorded on")).to_be_visible()
        assert watch.faults == []
        watch.hosts.add(urlsplit(stack.url).netloc)
        page.get_by_role("button", name="Connect to my running demo").click()
        page.get_by_role("button", name="Start a real rehearsal").click()
        expect(page.locator(".status")).to_have_text("Running")
        expect(page.get_by_text(re.compile("^Live from"))).to_be_visible()
        expect(page.locator(".log-info").nth(5)).to_be_visible()
        link, tasks = page.get_by_role("link", name="Task page"), f"{stack.url}/#/tasks/"
        expect(link).to_have_attribute("href", re.compile(f"^{tasks}"))
        id = str(link.get_attribute("href")).removeprefix(tasks)
        stack.client.post(f"/tasks/{id}/cancel").raise_for_status()
        expect(page.locator(".status")).to_have_text("Canceled")
        assert any("/stream?" in url for url in watch.requests)


def test_an_origin_that_was_not_let_in_is_told_the_way(
    open_page: Open, elsewhere: Elsewhere, stack: Stack, watch: Watch
) -> None:
    page = open_page(elsewhere.widget(stack.url), motion=False)
    watch.hosts.add(urlsplit(stack.url).netloc)
    watch.forgiven = ("CORS policy", "net::ERR_FAILED")
    page.get_by_role("button", name="Connect to my running demo").click()
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text(f"DEMO_DOCS_ORIGIN={elsewhere.url} make demo")
    expect(trouble.get_by_role("link")).to_have_attribute("href", f"{stack.url}/guide/")
