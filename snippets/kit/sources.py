"""The documents that the rules come from."""

from .rules import Source

AZURE_GUIDELINES = "https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md"
SSE = "https://html.spec.whatwg.org/multipage/server-sent-events.html"
SSE_SECTIONS = {
    "sse-processing-model": "9.2.3",
    "the-last-event-id-header": "9.2.4",
    "event-stream-interpretation": "9.2.6",
    "authoring-notes": "9.2.7",
}


def rfc(number: int, section: str) -> Source:
    """A section of an RFC."""
    url = f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"
    return Source(f"RFC {number} §{section}", url)


def azure(guideline: str) -> Source:
    """A guideline of the Azure REST API Guidelines, by its anchor."""
    return Source(f"Azure {guideline}", f"{AZURE_GUIDELINES}#{guideline}")


def aip(number: int) -> Source:
    """One of Google's API improvement proposals."""
    return Source(f"AIP-{number}", f"https://google.aip.dev/{number}")


def whatwg(anchor: str) -> Source:
    """A section of the HTML standard on server-sent events."""
    return Source(f"WHATWG HTML §{SSE_SECTIONS[anchor]}", f"{SSE}#{anchor}")


IDEMPOTENCY = Source(
    "draft-ietf-httpapi-idempotency-key-header-07 §2",
    "https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07#section-2",
)
AZURE_CORE = Source(
    "azure-core LROBasePolling",
    "https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/core/azure-core"
    "/azure/core/polling/base_polling.py",
)
NGINX = Source(
    "nginx proxy_buffering",
    "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering",
)
OWASP_OBJECTS = Source(
    "OWASP API1:2023",
    "https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/",
)
FETCH_NOSNIFF = Source(
    "WHATWG Fetch, nosniff", "https://fetch.spec.whatwg.org/#x-content-type-options-header"
)
STRIPE = Source(
    "Stripe API, idempotent requests", "https://docs.stripe.com/api/idempotent_requests"
)
