"""The API's part of the trace: from the caller's span through the POST into the row."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .conftest import Hands, Reader, StartApi, until

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HIDING = CALLER.removesuffix("01") + "00"  # asks not to be recorded


@contextmanager
def collector(records: list[Any] | None = None) -> Iterator[tuple[str, list[Any]]]:
    """A real OTLP receiver over HTTP; its URL and the spans so far; logs end up in `records`."""
    spans: list[Any] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/logs" and records is not None:
                for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                    records.extend(one for scope in logs.scope_logs for one in scope.log_records)
            else:
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    spans.extend(one for scope in resource.scope_spans for one in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.claim("threat.e5")
def test_the_row_continues_the_caller_s_trace(start_api: StartApi, own_hands: Hands) -> None:
    with (
        collector() as (endpoint, spans),
        start_api(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as api,
        api.client(headers={"traceparent": CALLER}) as client,
    ):
        id = client.post("/tasks", json={"kind": "rehearsal"}).json()["id"]
        reader = Reader(f"{api.url}/tasks/{id}/stream")
        reader.wait_for(1)
        hidden = client.get("/tasks/unknown", headers={"traceparent": HIDING})
        assert hidden.status_code == 404
        own_hands.claim(id)
        own_hands.finish(id)
        reader.wait_for_end()
        (post,) = until(lambda: [span for span in spans if span.name == "POST /tasks"])
        until(lambda: any(span.name == "GET /tasks/{id}" for span in spans))
        ((kept,),) = own_hands.rows("SELECT traceparent FROM tasks")
        _, trace, parent, _ = CALLER.split("-")
        assert post.trace_id.hex() == trace
        assert post.parent_span_id.hex() == parent
        assert kept == f"00-{trace}-{post.span_id.hex()}-01"
        assert not any("stream" in span.name for span in spans), "an hour is no span"
        names = {attribute.key for span in spans for attribute in span.attributes}
        assert "http.route" in names
    assert all(span.name.startswith(("GET /", "POST /")) for span in spans)


@pytest.mark.claim("core.traces-bounded")
def test_a_flood_is_traced_up_to_the_bound(start_api: StartApi, own_hands: Hands) -> None:
    bound = {"traces_a_second": 0.001}
    with collector() as (endpoint, spans):
        with (
            start_api(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **bound) as api,
            api.client(headers={"traceparent": CALLER}) as client,
        ):
            for _ in range(20):
                assert client.post("/tasks", json={"kind": "rehearsal"}).status_code == 202
        assert len(spans) == 1, "the first of all; it said its last word before it ended"
    kept = [row.traceparent for row in own_hands.rows("SELECT traceparent FROM tasks")]
    posted = sum(span.name == "POST /tasks" for span in spans)
    assert [one.split("-")[1] for one in kept] == 20 * [CALLER.split("-")[1]], "logs have the id"
    assert sum(one.endswith("-01") for one in kept) == posted, "workers follow what the row says"
