"""The README's pictures: `PICTURES=1 pytest tests/e2e/test_pictures.py` writes them anew."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open
from tests.stack import Stack

HOME = Path(__file__).parents[2] / "site_src" / "assets" / "pictures"
LARGEST = 150_000
pytestmark = pytest.mark.timeout(600)  # the guide may have to be built first


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where they go: into the repository only when that is asked for."""
    folder = HOME if os.environ.get("PICTURES") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def take(page: Page, path: Path, height: int) -> None:
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": height})
    assert 10_000 < path.stat().st_size < LARGEST


def test_picture_of_the_ui(open_page: Open, stack: Stack, guide: str, pictures: Path) -> None:
    stack.ended(stack.submit(steps=5, step_seconds=0.2))  # the story begins when all parts are up
    scrape = stack.submit("web_scrape", url=guide, max_pages=12)
    failed = stack.submit(steps=8, step_seconds=0.3, fail_at=6)
    canceled = stack.submit(steps=40, step_seconds=0.5)
    stack.until(canceled, "running", step=5)
    stack.client.post(f"/tasks/{canceled['id']}/cancel")
    for task in (scrape, failed, canceled):
        stack.ended(task)
    survivor = stack.submit(steps=30, step_seconds=0.4)
    stack.until(survivor, "running", step=6)
    stack.kill_worker()
    stack.ended(survivor)
    running = stack.submit(steps=400, step_seconds=0.5)
    stack.until(running, "running", step=12)

    page = open_page(f"{stack.url}/")
    for task in (scrape, failed, canceled, survivor, running):
        expect(page.locator(f".row[data-id='{task['id']}']").get_by_role("img")).to_be_visible()
    expect(page.get_by_role("img", name="without work").first).to_be_visible()
    expect(page.get_by_text("All parts answer")).to_be_visible()
    take(page, pictures / "ui.png", 560)
    stack.client.post(f"/tasks/{running['id']}/cancel")
    stack.ended(running)


def test_picture_of_the_guide(open_page: Open, guide: str, pictures: Path) -> None:
    page = open_page(guide)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main svg[role=img]").first).to_be_visible()
    take(page, pictures / "guide.png", 790)
