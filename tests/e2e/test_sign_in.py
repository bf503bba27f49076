"""A person signs in with a real browser: no token in any address, in any storage, in any script."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Watch
from tests.issuer import ADA, AUDIENCE, BOB, CLIENT, Issuer
from tests.stack import Stack

STORED = """async () => [
  document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage),
  ...(await indexedDB.databases()).map((one) => one.name), ...(await caches.keys()),
].filter(Boolean)"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer.running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def secured(issuer: Issuer) -> Iterator[Stack]:
    """The whole stack behind an issuer; the supervisor made the key of its sessions."""
    with Stack.running(
        "--no-guide",
        DEMO_ISSUERS=issuer.url,
        DEMO_AUDIENCES=AUDIENCE,
        DEMO_CLIENT_ID=CLIENT,
        DEMO_REVOCATION_POLL="0.5",
        DEMO_KEEPALIVE="1",
    ) as stack:
        yield stack


@pytest.fixture
def signed_in(open_page: Open, secured: Stack, issuer: Issuer, watch: Watch) -> Page:
    issuer.person = ADA
    watch.hosts.add(urlsplit(issuer.url).netloc)
    watch.forgiven = ("401",)  # the browser says so itself
    page = open_page(secured.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Sign in", exact=True).click()
    expect(page.locator(".session")).to_contain_text("Ada")
    return page


@pytest.mark.claim("identity.page-has-no-token")
def test_a_task_is_submitted_and_followed_without_a_token_in_the_page(
    signed_in: Page, watch: Watch, secured: Stack
) -> None:
    signed_in.get_by_role("tab", name="Rehearsal").click()
    signed_in.get_by_role("button", name="Submit rehearsal").click()
    expect(signed_in.locator("task-stream .status")).to_have_text("Succeeded")
    assert signed_in.evaluate(STORED) == []
    (cookie,) = signed_in.context.cookies(secured.url)
    rules = {name: cookie[name] for name in ("name", "httpOnly", "secure", "sameSite", "path")}
    assert rules == {
        "name": "__Host-session", "httpOnly": True, "secure": True, "sameSite": "Strict",
        "path": "/",
    }  # fmt: skip
    for url in watch.requests:
        assert cookie["value"] not in url
        assert not re.search(r"[?&]\w*token=|eyJ", url), url
    assert any("/stream?" in url for url in watch.requests)


def test_another_tenant_signs_in_and_sees_nothing_of_it(
    signed_in: Page, secured: Stack, issuer: Issuer
) -> None:
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
    assert signed_in.context.cookies(secured.url) == []
    issuer.person = BOB
    signed_in.get_by_role("link", name="Sign in", exact=True).click()
    expect(signed_in.locator(".session")).to_contain_text("Bob")
    expect(signed_in.get_by_text("No tasks yet.")).to_be_visible()


@pytest.mark.claim("identity.page-signed-out")
def test_who_is_shut_out_while_a_task_is_followed_is_asked_to_sign_in_again(
    signed_in: Page, secured: Stack, issuer: Issuer
) -> None:
    signed_in.get_by_role("tab", name="Rehearsal").click()
    signed_in.get_by_label("Steps").fill("5000")
    signed_in.get_by_role("button", name="Submit rehearsal").click()
    expect(signed_in.locator("task-stream .status")).to_have_text("Running")
    address = signed_in.url
    token = issuer.token({**ADA, "oid": "root", "roles": ["operator"]})
    answer = httpx.post(
        f"{secured.url}/revocations",
        json={"subject": ADA["oid"]},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert answer.status_code == 204
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
    signed_in.get_by_role("link", name="Sign in", exact=True).click()
    expect(signed_in.locator("task-stream .status")).to_have_text("Running")
    assert signed_in.url == address
