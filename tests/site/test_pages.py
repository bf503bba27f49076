"""Every page of the built site in a real browser: nothing foreign, broken or cut off."""

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page, expect

from .conftest import ROOT, Visit, Visitor

AXE = ROOT / "build/npm/node_modules/axe-core/axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SORTS = (
    "",
    "glossary/",
    "guides/checklist/",
    "guides/calculator/",
    "decisions/",
    "reference/settings/",
    "404.html",
)
TABS = 6  # each page is watched for half a second of silence: in all of them at once
SIZES = [(1440, "light"), (360, "dark")]
NARROWEST = 320


def paths(built: Path) -> list[str]:
    """Each page's address below the site's root."""
    found = sorted(path.relative_to(built).as_posix() for path in built.rglob("*.html"))
    return [path.removesuffix("index.html") for path in found]


@pytest.fixture(scope="module")
def documents(built: Path) -> dict[str, BeautifulSoup]:
    """Each page's address and what is in it."""
    files = {path: path + "index.html" * (path.endswith("/") or not path) for path in paths(built)}
    return {
        path: BeautifulSoup((built / file).read_text("utf-8"), "html.parser")
        for path, file in files.items()
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_every_page_stays_at_home_draws_and_fits(
    built: Path, visit: Visit, width: int, scheme: str
) -> None:
    first = visit(width, scheme)
    visitors = [first, *(first.beside() for _ in range(TABS - 1))]
    left, wrong = paths(built), {}
    while left:
        opened, left = left[:TABS], left[TABS:]
        pairs = list(zip(visitors, opened, strict=False))
        for visitor, path in pairs:
            visitor.start(path)
        wrong |= {path: found for visitor, path in pairs if (found := faults(visitor))}
    assert wrong == {}


def faults(visitor: Visitor) -> list[str]:
    """What is wrong with one page."""
    page = visitor.page
    page.wait_for_load_state("networkidle")
    drawn = page.locator(".mermaid > svg:not([aria-roledescription=error])")
    expect(drawn).to_have_count(page.locator(".mermaid").count())
    found = [*visitor.foreign(), *visitor.complaints, *beyond(page)]
    size = page.viewport_size
    if size and size["width"] < 400:
        page.set_viewport_size({**size, "width": NARROWEST})
        found += beyond(page)
        page.set_viewport_size(size)
    return found


def beyond(page: Page) -> list[str]:
    """Whether it is wider than its window."""
    width, more = page.evaluate("[innerWidth, document.documentElement.scrollWidth - innerWidth]")
    return [f"scrolls sideways by {more} px at {width}"] if more > 0 else []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_sort_of_page_is_accessible(visit: Visit, scheme: str) -> None:
    visitor = visit(1440, scheme)
    for path in SORTS:
        page = visitor.go(path)
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], path


def test_every_link_leads_somewhere(built: Path, documents: dict[str, BeautifulSoup]) -> None:
    ids = {path: {tag["id"] for tag in soup.find_all(id=True)} for path, soup in documents.items()}
    wrong = []
    for path, soup in documents.items():
        for link in soup.find_all("a", href=True):
            target, anchor = urldefrag(urljoin(f"http://site/{path}", str(link["href"])))
            if not target.startswith("http://site/") or path == "404.html":
                continue
            name = unquote(target.removeprefix("http://site/"))
            if name not in documents and not (built / name).is_file():
                wrong.append(f"{path}: {link['href']}")
            elif anchor and unquote(anchor) not in ids.get(name, set()):
                wrong.append(f"{path}: no anchor {link['href']}")
    assert wrong == []


def test_no_id_stands_twice_on_a_page(documents: dict[str, BeautifulSoup]) -> None:
    for path, soup in documents.items():
        found = [tag["id"] for tag in soup.find_all(id=True) if not tag.find_parent("svg")]
        assert sorted(set(found)) == sorted(found), path


def test_the_search_finds_a_word_without_a_server(visit: Visit) -> None:
    visitor = visit()
    page = visitor.go("")
    box = page.locator(".md-search__input")
    box.click()
    box.press_sequentially("checkpoint")
    expect(page.locator(".md-search-result__item").first).to_be_visible()
    assert visitor.foreign() == []


def test_a_proof_opens_in_place_with_the_keyboard(visit: Visit) -> None:
    page = visit().go("")
    badge = page.locator("button.badge").first
    card = page.locator(f"#{badge.get_attribute('popovertarget')}")
    expect(card).to_be_hidden()
    badge.focus()
    page.keyboard.press("Enter")
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


@pytest.mark.claim("site.widget-replays")
def test_without_a_stack_the_widget_plays_a_recorded_run_and_says_so(visit: Visit) -> None:
    visitor = visit()
    widget = visitor.go("").locator("task-stream")
    expect(widget.get_by_text("Recorded on")).to_be_visible()
    widget.get_by_role("button", name=re.compile("^Play 4")).click()
    expect(widget.get_by_text("Done in")).to_be_hidden()
    expect(widget.get_by_text("Done in")).to_be_visible()
    assert [*visitor.foreign(), *visitor.complaints] == []


def test_the_guide_prints_its_proofs(visit: Visit) -> None:
    page = visit().go("")
    page.emulate_media(media="print")
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator(".md-header")).to_be_hidden()
