"""Text of strangers in titles, logs, errors and addresses: in a real browser it stays text."""

import json
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text
from uuid_utils import uuid7

from demo.store.engines import engine
from tests.e2e.conftest import Open, Watch, new_context
from tests.stack import Stack

RUN = "xss()"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}><summary>x</summary></details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f"<object data='x' onerror={RUN}></object>",
    f"<embed src='javascript:{RUN}'>",
    f"<style onload={RUN}></style>",
    f"<link rel=stylesheet href=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee>",
    f"<select autofocus onfocus={RUN}></select>",
    f"<textarea autofocus onfocus={RUN}></textarea>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<div style='animation:a 1s' onanimationstart={RUN}></div><style>@keyframes a{{}}</style>",
    f"</textarea></title></style></noscript><img src=x onerror={RUN}>",
    f"\"><img src=x onerror={RUN}>",
    f"'-{RUN}-'",
    f"--><img src=x onerror={RUN}>",
    f"]]><img src=x onerror={RUN}>",
    f"javascript:{RUN}",
    f"data:text/html,<script>parent.{RUN}</script>",
    f"http://x.test/\" onmouseover={RUN} autofocus onfocus={RUN} x=\"",
    f"\u2028\u202e<img src=x onerror={RUN}>\x1b[2J",
]  # fmt: skip
LISTEN = """
window.ran = []; window.xss = (which) => window.ran.push(which ?? location.href);
window.reports = [];
addEventListener("securitypolicyviolation",
  (one) => window.reports.push(`${one.violatedDirective} ${one.blockedURI} ${one.sample}`), true);
"""
TASK = text("""
    INSERT INTO tasks (id, tenant, kind, version, queue, input, status, attempt, last_seq, worker,
                       result, error, started, finished)
    VALUES (:id, 'local', :kind, 1, 'web', :input, :status, 1, :events, :worker, :result, :error,
            now(), now())""")
EVENT = text("""
    INSERT INTO events (task_id, tenant, seq, type, attempt, data)
    VALUES (:id, 'local', :seq, :type, 1, :data)""")


def keep(stack: Stack, kind: str, status: str, input: Any, told: list[Any], **more: Any) -> UUID:
    """A task as it would be had a hostile site or user written its texts."""
    id = UUID(str(uuid7()))
    owner = engine(stack.postgres.url())
    row: dict[str, Any] = {"result": None, "error": None} | {
        name: json.dumps(one) for name, one in more.items()
    }
    with owner.begin() as connection:
        row |= {"id": id, "kind": kind, "status": status, "events": len(told)}
        connection.execute(TASK, row | {"input": json.dumps(input), "worker": PAYLOADS[1]})
        for seq, (type_, data) in enumerate(told, 1):
            connection.execute(
                EVENT, {"id": id, "seq": seq, "type": type_, "data": json.dumps(data)}
            )
    owner.dispose()
    return id


def begun(worker: str) -> list[Any]:
    return [
        ("status", {"status": "queued", "reason": "submitted"}),
        ("status", {"status": "running", "reason": "claimed", "worker": worker}),
    ]


@pytest.fixture(scope="module")
def hostile(stack: Stack) -> tuple[UUID, list[UUID]]:
    """One task that is full of payloads, and one failed task for each of them."""
    pages = [
        {"url": payload, "title": payload, "description": payload, "status": 200, "words": 1,
         "links": 1, "images": 1}
        for payload in PAYLOADS
    ]  # fmt: skip
    broken = [{"url": one, "status": None, "error": one, "found_on": one} for one in PAYLOADS]
    logs = [("log", {"level": one if n % 3 == 0 else "info", "message": one})
            for n, one in enumerate(PAYLOADS)]  # fmt: skip
    done = [*begun(PAYLOADS[0]), *logs, ("end", {"status": "succeeded"})]
    full = keep(stack, "web_scrape", "succeeded", {"url": PAYLOADS[2], "max_pages": 1}, done,
                result={"pages": pages, "broken": broken})  # fmt: skip
    failed = []
    for one in PAYLOADS:
        error = {"code": one, "message": one, "title": one, "detail": f"{one} ", "type": one}
        told = [*begun(one), ("end", {"status": "failed", "error": error})]
        failed.append(keep(stack, "web_scrape", "failed", {"url": one}, told, error=error))
    return full, failed


def nothing_ran(page: Page) -> None:
    assert page.evaluate("window.ran") == []
    assert page.evaluate("window.reports") == []
    links = page.evaluate("[...document.querySelectorAll('a[href]')].map((one) => one.protocol)")
    assert set(links) <= {"http:", "https:"}


def test_the_payloads_are_alive(browser: Browser) -> None:
    """Where text is taken for markup and no policy stands behind, they do run."""
    context = new_context(browser)
    page = context.new_page()
    page.add_init_script(LISTEN)
    page.goto("about:blank")
    for number, payload in enumerate(PAYLOADS):
        page.evaluate(
            "(text) => document.body.append(document.createRange().createContextualFragment(text))",
            payload.replace(RUN, f"xss({number})"),
        )
    page.wait_for_function("new Set(window.ran).size >= 15")
    context.close()


@pytest.mark.claim("security.payloads")
@pytest.mark.claim("threat.x1")
def test_thirty_payloads_stay_text(
    open_page: Open, stack: Stack, hostile: tuple[UUID, list[UUID]], watch: Watch
) -> None:
    full, failed = hostile
    page = open_page("about:blank", motion=False)
    watch.hosts.add(urlsplit(stack.url).netloc)
    page.add_init_script(LISTEN)
    page.goto(f"{stack.url}/#/")
    expect(page.locator(".row")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".row", has_text=PAYLOADS[2]).first).to_be_visible()
    nothing_ran(page)
    page.goto(f"{stack.url}/#/tasks/{full}")
    expect(page.locator(".log-lines li")).to_have_count(len(PAYLOADS) + 3)
    shown = page.get_by_role("region", name="Pages").locator("tbody th, tbody td:first-child")
    expect(shown).to_have_count(len(PAYLOADS))
    assert [PAYLOADS[n] in shown.nth(n).text_content() for n in (0, 1, 18)] == [True] * 3
    nothing_ran(page)
    for id, payload in zip(failed, PAYLOADS, strict=True):
        page.goto(f"{stack.url}/#/tasks/{id}")
        expect(page.locator(".failure p").nth(1)).to_have_text(payload)
    nothing_ran(page)


@pytest.mark.claim("security.payload-addresses")
def test_no_answer_of_the_api_is_taken_for_a_page(
    browser: Browser, stack: Stack, hostile: tuple[UUID, list[UUID]]
) -> None:
    full, failed = hostile
    context = new_context(browser)
    page = context.new_page()
    page.add_init_script(LISTEN)
    for path in (f"tasks/{full}/result", f"tasks/{full}/events?limit=500", f"tasks/{failed[0]}",
                 *(f"tasks/{quote(one, safe='')}" for one in PAYLOADS)):  # fmt: skip
        answer = page.goto(f"{stack.url}/{path}")
        assert answer
        assert answer.headers["content-type"].split(";")[0].endswith("json"), path
        nothing_ran(page)
    context.close()
