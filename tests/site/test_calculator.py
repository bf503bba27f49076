"""The calculator on its page, in a real browser and without any stack."""

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit

pytestmark = pytest.mark.timeout(600)  # the first test may wait for the whole site


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit(1280, "light").go("guides/calculator/")


def headline(page: Page, *says: str) -> None:
    for words in says:
        expect(page.locator(".calc-headline")).to_contain_text(words)


@pytest.mark.claim("sizing.calculator-page")
def test_numbers_follow_what_is_typed(page: Page) -> None:
    headline(page, "17 slots", "17 pods", "3 nodes")
    page.get_by_label("Must start within").fill("60")
    headline(page, "21 slots")
    expect(page.locator("[data-trap=late-nodes]")).to_contain_text("21 pods")
    row = page.get_by_role("row", name=re.compile("^Busy slots"))
    expect(row).to_contain_text("20/h · 40 min")


def test_a_worked_example_fills_the_form(page: Page) -> None:
    page.get_by_role("button", name="imports").click()
    expect(page.get_by_label("Arrivals", exact=False).first).to_have_value("600")
    headline(page, "58 slots", "29 pods", "5 nodes")


def test_nonsense_is_marked_and_said(page: Page) -> None:
    page.get_by_label("CPU of one task").fill("much")
    headline(page, "CPU of one task: 0.01 to 16")
    expect(page.locator("[name=cpu]")).to_have_attribute("aria-invalid", "")
    expect(page.locator(".calc-steps")).to_have_count(0)
    page.get_by_label("CPU of one task").fill("2")
    expect(page.locator(".calc-steps")).to_have_count(1)


def test_the_files_and_the_command_carry_the_inputs(page: Page) -> None:
    page.get_by_label("Kind of task").fill("imports")
    files = page.locator(".calc-files details")
    expect(files).to_have_count(5)
    expect(files.filter(has_text="values.yaml")).to_contain_text("queue: imports")
    files.filter(has_text="command").locator("summary").click()
    expect(files.filter(has_text="command")).to_contain_text("size.mjs --name imports")


@pytest.mark.claim("sizing.together")
def test_kinds_are_planned_together(page: Page) -> None:
    page.get_by_role("button", name="Keep reports").click()
    page.get_by_role("button", name="imports", exact=True).click()
    kinds = page.locator(".calc-kinds")
    expect(kinds).to_contain_text("17 reports + 29 imports")
    values = kinds.locator("details")
    values.locator("summary").click()
    for queue in ("reports", "imports"):
        expect(values).to_contain_text(f"queue: {queue}")
    page.get_by_role("button", name="Without reports").click()
    expect(kinds.locator(".calc-steps")).to_have_count(0)


def test_more_than_a_cluster_holds_is_said(page: Page) -> None:
    page.get_by_label("Arrivals", exact=False).first.fill("10000000")
    headline(page, "more than one cluster holds")


def test_what_is_typed_stays_text(page: Page) -> None:
    page.get_by_label("Kind of task").fill("<img src=x onerror=alert(1)>")
    headline(page, "Kind of task: a short lower-case name")
    assert page.locator("sizing-calculator img").count() == 0
