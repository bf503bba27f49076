"""A crawl is a generator: the tests list what it yields, on a web that is a dictionary."""

import json

import pytest

from demo.contract import (
    KINDS,
    Checkpoint,
    Done,
    Log,
    Page,
    PermanentFailure,
    Progress,
    Start,
    TransientFailure,
    WebScrapeInput,
)
from demo.work import WORKS
from demo.work.pages import TooComplex, clean, read, within
from demo.work.web_scrape import web_scrape

START = "http://site.test/docs/"
FRESH = Start()


class Web:
    """The `Tools` of these tests: pages by URL, and what was asked."""

    def __init__(self, pages: dict[str, object]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def fetch(self, url: str) -> Page:
        self.asked.append(url)
        found = self.pages.get(url, 404)
        match found:
            case Exception():
                raise found
            case Page():
                return found
            case int():
                return Page(url, found, "text/html", b"")
            case _:
                return Page(url, 200, "text/html", str(found).encode())

    def sleep(self, seconds: float) -> None:
        """Nothing waits here."""


def html(title: str, *links: str, body: str = "") -> str:
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return f"<html><head><title>{title}</title></head><body>{body}{anchors}</body></html>"


def crawl(web: Web, most: int = 10, start: Start = FRESH, url: str = START) -> list:
    return list(web_scrape(WebScrapeInput(url=url, max_pages=most), start, web))


def result(web: Web, most: int = 10) -> dict:
    done = crawl(web, most)[-1]
    assert isinstance(done, Done)
    return done.result


def urls(web: Web, most: int = 10) -> list[str]:
    return [page["url"].removeprefix(START) for page in result(web, most)["pages"]]


SITE = {
    START: html("Home", "a", "b/", "#top", "http://site.test/", "/docs/a#part"),
    START + "a": html("A", "c", "../", "http://other.test/docs/", "mailto:x@site.test"),
    START + "b/": html("B", "../a", "gone"),
    START + "c": html("C", "b/lost"),
}


def test_pages_of_the_folder_are_read_breadth_first_and_once():
    web = Web(SITE)
    assert urls(web) == ["", "a", "b/", "c"]
    assert len(web.asked) == len(set(web.asked))
    assert all(url.startswith(START) for url in web.asked)


def test_a_page_is_told_in_facts():
    rich = html(
        "  Two\n words ",
        "a",
        body="<meta name=description content='In short'><h1>One <b>big</b></h1><h2>Two</h2>"
        "<p>three plain words<img src=x><script>var no = 'words'</script><style>p{}</style>",
    )
    page = result(Web({START: rich}))["pages"][0]
    assert page == {
        "url": START,
        "status": 200,
        "title": "Two words",
        "description": "In short",
        "headings": ["One big", "Two"],
        "links": 1,
        "images": 1,
        "words": 9,
    }


def test_broken_links_are_data_and_say_where_they_are():
    broken = result(Web(SITE | {START + "b/gone": 410}))["broken"]
    assert broken == [
        {"url": START + "b/gone", "status": 410, "found_on": START + "b/"},
        {"url": START + "b/lost", "status": 404, "found_on": START + "c"},
    ]


def test_no_more_pages_than_asked_for():
    endless = Web({f"{START}{n}": html(str(n), f"{n + 1}", f"{n + 2}") for n in range(99)})
    endless.pages[START] = html("Home", "0")
    assert len(result(endless, 7)["pages"]) == 7
    assert len(endless.asked) == 7


@pytest.mark.claim("threat.s8")
def test_no_more_requests_than_twice_the_pages_asked_for():
    hollow = Web({START: html("Home", *map(str, range(500)))})
    assert len(result(hollow, 5)["broken"]) == 9
    assert len(hollow.asked) == 10


def test_a_person_can_read_what_happens():
    news = crawl(Web(SITE), 4)
    assert news[0] == Progress(message=f"Reading {START}")
    assert news[1] == Log("Page 1 of up to 4: Home")
    points = [item for item in news if isinstance(item, Checkpoint)]
    assert [point.percent for point in points] == [25, 50, 75, 100]
    assert [point.step for point in points] == [1, 2, 3, 4]


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_crawl_goes_on_exactly_where_a_checkpoint_left_it(steps):
    whole = crawl(Web(SITE))
    point = [item for item in whole if isinstance(item, Checkpoint)][steps - 1]
    stored = json.loads(json.dumps(point.state))
    web = Web(SITE)
    rest = crawl(web, start=Start(point.step, stored, attempt=2))
    assert rest == whole[whole.index(point) + 1 :]
    assert len(web.asked) == 6 - steps


def test_a_checkpoint_is_not_changed_by_what_follows():
    states = []
    for item in web_scrape(WebScrapeInput(url=START), FRESH, Web(SITE)):
        if isinstance(item, Checkpoint):
            states.append((item.state, json.dumps(item.state)))
    assert all(json.dumps(state) == then for state, then in states)


@pytest.mark.parametrize("letter", ["\U0001f600", '"', "a", "\x1b", "&"])
def test_state_stays_below_256_kb_for_fifty_rich_pages(letter):
    long = letter * 600
    head = f"<title>{long}</title><meta name=description content='{long}'>"
    many = [f"{n}-{'x' * 360}" for n in range(300)]
    pages = {
        f"{START}{name}": html(head, *many, body=f"<h2>{long}</h2>" * 12)
        for name in ["", *many[:49]]
    }
    pages |= {f"{START}{name}": 404 for name in many[60:]}
    points = [item for item in crawl(Web(pages), 50) if isinstance(item, Checkpoint)]
    sizes = [len(json.dumps(p.state, ensure_ascii=False).encode()) for p in points]
    assert len(sizes) >= 50
    assert max(sizes) < 256 * 1024


def test_text_has_no_control_characters():
    page = result(Web({START: "<title>a\x1b[2J\u202e b\x00\r\nc</title>"}))["pages"][0]
    assert page["title"].isprintable()
    assert page["title"].endswith("c")


@pytest.mark.parametrize(
    "leads",
    [
        "http://site.test/",
        "http://site.test/docsx/",
        "https://site.test/docs/",
        "http://x.test/docs/",
    ],
)
def test_a_redirect_out_of_the_folder_is_not_followed_into_the_result(leads):
    away = Page(leads, 200, "text/html", html("Away", "/docs/c").encode())
    assert urls(Web(SITE | {START + "a": away})) == ["", "b/"]


def test_a_redirect_to_a_known_page_is_not_told_twice():
    again = Page(START + "b/", 200, "text/html", SITE[START + "b/"].encode())
    assert urls(Web(SITE | {START + "a": again})) == ["", "b/"]


def test_a_redirect_within_the_folder_is_told_where_it_ends():
    moved = Page(START + "new", 200, "text/html", html("New", "new", "c").encode())
    assert urls(Web(SITE | {START + "a": moved})) == ["", "new", "b/", "c"]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (404, PermanentFailure, "start_page_failed"),
        (304, PermanentFailure, "start_page_failed"),
        (500, TransientFailure, "far_side_error"),
        (Page(START, 200, "application/pdf", b""), PermanentFailure, "unsupported_media"),
        (Page("http://x.test/", 200, "text/html", b""), PermanentFailure, "left_scope"),
        (PermanentFailure("robots_disallow", "no"), PermanentFailure, "robots_disallow"),
        (TransientFailure("timeout", "slow"), TransientFailure, "timeout"),
    ],
)
def test_the_start_page_decides_the_task(answer, kind, code):
    with pytest.raises(kind) as failed:
        crawl(Web({START: answer}))
    assert failed.value.code == code


@pytest.mark.parametrize(
    "answer",
    [
        Page(START + "a", 200, "application/pdf", b"%PDF"),
        Page(START + "a", 200, "text/html", b"<b>" * 100_000),
        PermanentFailure("robots_disallow", "no"),
        PermanentFailure("body_too_large", "no"),
    ],
)
def test_another_page_that_cannot_be_read_is_skipped_and_said(answer):
    news = crawl(Web(SITE | {START + "a": answer}))
    assert [page["url"] for page in news[-1].result["pages"]] == [START, START + "b/"]
    assert any(isinstance(item, Log) and item.level == "warning" for item in news)


def test_a_page_that_times_out_gets_a_second_chance_at_the_end():
    web = Web(SITE | {START + "a": TransientFailure("timeout", "slow")})
    assert urls(web) == ["", "b/"]
    assert web.asked.count(START + "a") == 2
    late = {"url": START + "a", "error": "timeout", "found_on": START}
    assert late in result(web)["broken"]


def test_a_far_side_that_names_a_time_gets_it():
    web = Web(SITE | {START + "a": TransientFailure("far_side_busy", "wait", 30)})
    news: list = []
    with pytest.raises(TransientFailure) as failed:
        news.extend(web_scrape(WebScrapeInput(url=START), FRESH, web))
    assert failed.value.retry_after == 30
    point = [item for item in news if isinstance(item, Checkpoint)][-1]
    later = Web(SITE)
    rest = crawl(later, start=Start(point.step, point.state, 2))
    assert later.asked[0] == START + "b/"
    assert {page["url"] for page in rest[-1].result["pages"]} == set(SITE)


def test_an_open_breaker_says_nothing_about_a_page():
    web = Web(SITE | {START + "a": TransientFailure("breaker_open", "wait", 30)})
    with pytest.raises(TransientFailure):
        crawl(web)
    assert web.asked == [START, START + "a"]


@pytest.mark.parametrize(
    "bomb",
    [
        b"<b>" * 600_000,
        b"</zz>" * 400_000,
        b"<br>" * 500_000,
        b"<a " * 600_000,
        b"<!--" * 500_000,
        b"<" * 500_000,
        b"<p x='" + b"y" * 2_000_000,
        b"<p x='" + b"y" * 1_900_000 + b"'>",
        b"<![" * 600_000,
        b"<?" * 900_000,
        b"&" * 500_000,
        b"<div>" * 490 + b"</x>" * 400_000,
        b"<!DOCTYPE x [" + b'<!ENTITY a "&b;&b;">' * 30_000,
        b'<a href="/docs/x">a</a>' * 40_000,
    ],
    ids=lambda bomb: repr(bomb[:12]),
)
@pytest.mark.timeout(60)
@pytest.mark.claim("threat.s7")
def test_a_parser_bomb_costs_seconds_at_most(bomb):
    web = Web({START: html("Home", "a", "b"), START + "b": html("B")})
    web.pages[START + "a"] = Page(START + "a", 200, "text/html", bomb)
    assert START + "b" in [page["url"] for page in result(web)["pages"]]


@pytest.mark.claim("threat.s7")
@pytest.mark.parametrize("markup", [b"<b></b>" * 40_000, b"<div>" * 600, b"</x>" * 70_000])
def test_a_tree_beyond_the_bounds_is_not_built(markup):
    with pytest.raises(TooComplex):
        read(Page(START, 200, "text/html", markup))


@pytest.mark.parametrize(
    "odd",
    [b"", b"http://x.test/", b"a.html", b"<?xml version='1.0'?><rss/>", b"\xff\xfe", bytes(300)],
)
def test_odd_pages_are_read_without_a_warning(odd):
    assert len(result(Web({START: Page(START, 200, "text/html", odd)}))["pages"]) == 1


def test_a_base_element_is_heeded():
    assert urls(
        Web({START: '<base href="/docs/deep/"><a href="a">', START + "deep/a": html("A")})
    ) == ["", "deep/a"]


@pytest.mark.parametrize(
    ("url", "one"),
    [
        ("HTTP://Site.Test:80/a#b", "http://site.test/a"),
        ("https://site.test:443", "https://site.test/"),
        ("http://site.test:8001/ü?q=ä b", "http://site.test:8001/%C3%BC?q=%C3%A4%20b"),
        ("http://[::1]:8/x", "http://[::1]:8/x"),
        ("mailto:a@b", ""),
        ("javascript:alert(1)", ""),
        ("http://u:p@site.test/", ""),
        ("http://[x/", ""),
        ("http://a:99999/", ""),
        ("", ""),
    ],
)
def test_one_page_has_one_spelling(url, one):
    assert clean(url) == one


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("", True),
        ("a", True),
        ("a/b?c=../d", True),
        ("..", False),
        ("%2e%2e/x", False),
        ("a/..%2f..%2fx", False),
        ("%252e%252e/x", False),
        ("a%5c..%5cx", False),
        ("a..b", True),
        ("x" * 500, False),
    ],
)
def test_the_folder_cannot_be_climbed_out_of(path, inside):
    assert within(START + path, START) is inside


def test_each_kind_of_the_contract_has_its_work():
    assert WORKS.keys() == KINDS.keys()
