"""What spans show of a request, and who learns of our traces."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from demo import telemetry
from demo.outbound.request import Client, certificates
from tests.integration.outbound.world import INSIDE, World, http

GUIDE = "http://127.0.0.1:8001/guide/"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "TRACER", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def get(world: World, url: str) -> None:
    client = Client(world.guard(GUIDE), "demo/0", 60, 100_000, certificates())
    with telemetry.span("attempt"):
        client.get(client.guard.target(url))


@pytest.mark.claim("threat.e5")
def test_a_span_shows_neither_query_nor_fragment(world, spans):
    world.serve(http())
    get(world, "http://site.test/a?token=canary#canary")
    request, attempt = spans.get_finished_spans()
    assert request.parent.span_id == attempt.context.span_id
    assert request.attributes == {
        "http.request.method": "GET",
        "url.full": "http://site.test/a",
        "server.address": "site.test",
        "http.response.status_code": 200,
    }
    assert "canary" not in request.to_json()


@pytest.mark.claim("threat.e5")
def test_a_trace_goes_on_at_the_own_guide_and_nowhere_else(world, spans):
    stranger = world.serve(http())
    guide = world.serve(http(), name="127.0.0.1", at=INSIDE)
    get(world, "http://site.test/")
    get(world, GUIDE)
    assert "traceparent" not in stranger.asked[0].lower()
    assert "traceparent: 00-" in guide.asked[0]
