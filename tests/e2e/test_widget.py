"""The widget on a page with no stack behind it, under a strict CSP with Trusted Types."""

import re
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Elsewhere, Open, Watch
from tests.e2e.runs import Run
from tests.stack import eventually

LONG = Run().submitted().claimed().steps(20, each=60).end("succeeded")  # minutes, at any pace
ATTACK = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'


@pytest.fixture
def page(open_page: Open, elsewhere: Elsewhere) -> Page:
    return open_page(elsewhere.widget(), motion=False)


def test_a_recorded_run_says_that_it_is_one(page: Page) -> None:
    expect(page.get_by_text("Recorded on 24 November 2026 on a machine")).to_be_visible()
    expect(page.get_by_role("img", name="12.2 s without work")).to_be_visible()
    expect(page.locator(".status")).to_have_text("Succeeded")
    expect(page.get_by_text("Done in 44 s, by 2 attempts.")).to_be_visible()


def test_nothing_is_asked_of_this_machine_before_a_click(page: Page, watch: Watch) -> None:
    expect(page.get_by_role("button", name="Connect to my running demo")).to_be_visible()
    asked = {url.rsplit(":", 1)[0] + ":" for url in watch.requests if ":9/" in url}
    assert asked == set()
    assert not any(url.endswith("/livez") for url in watch.requests)
    assert watch.faults == []


def test_connecting_to_nothing_says_what_to_do(page: Page, watch: Watch) -> None:
    watch.hosts.add("127.0.0.1:9")
    watch.forgiven = ("net::ERR_UNSAFE_PORT", "net::ERR_CONNECTION_REFUSED", "127.0.0.1:9")
    page.get_by_role("button", name="Connect to my running demo").click()
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("No answer from http://127.0.0.1:9")
    expect(trouble).to_contain_text("make demo")
    expect(trouble.get_by_role("link")).to_have_attribute("href", "http://127.0.0.1:9/guide/")
    expect(page.get_by_role("button", name="Connect to my running demo")).to_be_enabled()


def test_it_plays_at_the_pace_that_was_chosen_and_pauses(
    open_page: Open, elsewhere: Elsewhere, watch: Watch
) -> None:
    elsewhere.recording("/recorded.json", LONG)
    watch.hosts.add(urlsplit(elsewhere.url).netloc)
    page = open_page("about:blank", motion=False)
    page.clock.install()
    page.goto(elsewhere.widget())
    page.get_by_role("button", name=re.compile("^Play 4")).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".status")).to_have_text("Running")
    expect(page.locator(".percent")).not_to_have_text("100 %")
    page.get_by_role("button", name="Pause").press("Enter")
    before = page.locator(".log-lines li").count()
    frozen = page.locator("svg.tl").get_attribute("aria-label")
    expect(page.get_by_role("button", name=re.compile("^Go on 4"))).to_be_focused()
    assert page.locator("svg.tl").get_attribute("aria-label") == frozen
    assert before < 23
    page.get_by_role("button", name=re.compile("^Go on 4")).press("Enter")
    page.clock.fast_forward(300_000)
    expect(page.locator(".status")).to_have_text("Succeeded")
    expect(page.locator(".log-lines li")).to_have_count(23)


@pytest.mark.claim("widget.still")
def test_it_plays_by_itself_only_for_readers_who_accept_movement(
    open_page: Open, elsewhere: Elsewhere
) -> None:
    elsewhere.recording("/recorded.json", LONG)
    moving = open_page(elsewhere.widget())
    expect(moving.get_by_role("button", name="Pause")).to_be_visible()
    expect(moving.locator(".status")).to_have_text("Running")
    still = open_page(elsewhere.widget(), motion=False)
    expect(still.get_by_role("button", name=re.compile("^Play 4"))).to_be_visible()
    expect(still.locator(".status")).to_have_text("Succeeded")


@pytest.mark.claim("widget.polite")
def test_a_screen_reader_is_told_at_most_once_in_five_seconds(page: Page) -> None:
    page.evaluate("""() => {
      const inside = document.querySelector("task-stream").shadowRoot;
      const region = inside.querySelector("[role=status]");
      window.spoken = [];
      new MutationObserver(() => window.spoken.push([Date.now(), region.textContent]))
        .observe(region, { childList: true, characterData: true, subtree: true });
    }""")
    page.get_by_role("button", name=re.compile("^Play 4")).click()
    eventually(lambda: page.evaluate("window.spoken.some(([, one]) => one.startsWith('Succ'))"))
    spoken = page.evaluate("window.spoken")
    open_ones = [at for at, text in spoken if not text.startswith("Succeeded")]
    assert open_ones
    # 5000 when it was said; when it was seen may be a little later the first time
    assert all(b - a >= 4500 for a, b in pairwise(open_ones))
    assert spoken[-1][1].startswith("Succeeded. Attempt 1 ran")


def test_text_of_strangers_stays_text(open_page: Open, elsewhere: Elsewhere) -> None:
    run = Run(input={"url": ATTACK, "max_pages": 1}).submitted().claimed(worker=ATTACK)
    run.log(ATTACK, "error").log(ATTACK, ATTACK)
    run.add("progress", 0.1, step=1, message=ATTACK, percent=10)
    error = {"code": ATTACK, "message": ATTACK, "type": "javascript:alert(3)"}
    elsewhere.recording("/recorded.json", run.end("failed", error=error))
    page = open_page(elsewhere.widget(), motion=False)
    expect(page.locator(".log-text", has_text=ATTACK).first).to_be_visible()
    expect(page.locator(".situation")).to_have_text(ATTACK)
    assert page.locator("task-stream img, task-stream script").count() == 0


def test_the_log_is_filtered_by_level(page: Page) -> None:
    expect(page.locator(".log-lines li")).to_have_count(26)
    page.get_by_label("Show").select_option("warnings and errors")
    expect(page.locator(".log-info")).to_have_count(20)
    expect(page.locator(".log-info").first).to_be_hidden()
    expect(page.locator(".log-warning")).to_be_visible()
    expect(page.get_by_text("6 lines, 20 hidden")).to_be_visible()


def test_without_a_recording_it_still_says_what_it_is(
    open_page: Open, elsewhere: Elsewhere
) -> None:
    page = open_page(elsewhere.page("/bare.html", "<task-stream></task-stream>"))
    expect(page.get_by_text("No demo is connected")).to_be_visible()
    expect(page.get_by_role("button", name="Connect to my running demo")).to_be_visible()


CONTRAST = """async () => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement("i"));
  const light = (name) => {
    probe.style.color = `var(${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const statuses = ["queued", "running", "canceling", "succeeded", "failed", "canceled"];
  const text = ["ink", "soft", "accent", ...statuses];
  const found = { "on-accent": ratio(light("--lro-on-accent"), light("--lro-accent")) };
  for (const name of text) for (const ground of ["ground", "raised"])
    found[`${name} on ${ground}`] = ratio(light(`--lro-${name}`), light(`--lro-${ground}`));
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_colour_can_be_read(open_page: Open, elsewhere: Elsewhere, scheme: str) -> None:
    page = open_page(elsewhere.widget(), scheme=scheme, motion=False)
    faint = {name: ratio for name, ratio in page.evaluate(CONTRAST).items() if ratio < 4.5}
    assert faint == {}


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_it_takes_the_scheme_of_the_page_around_it(
    open_page: Open, elsewhere: Elsewhere, scheme: str
) -> None:
    other = {"default": "dark", "slate": "light"}[scheme]
    page = open_page(elsewhere.widget(), scheme=other, motion=False)
    page.evaluate("(scheme) => { document.body.dataset.mdColorScheme = scheme; }", scheme)
    ground = page.locator(".box").evaluate("(box) => getComputedStyle(box).backgroundColor")
    assert ground == {"default": "rgb(255, 255, 255)", "slate": "rgb(20, 23, 27)"}[scheme]


def test_it_fits_a_phone(open_page: Open, elsewhere: Elsewhere) -> None:
    page = open_page(elsewhere.widget(), width=320, motion=False)
    expect(page.locator("svg.tl")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
