"""One trace from the POST through row and hint to each attempt and its outbound requests.

Off until an OTLP endpoint is set (`OTEL_EXPORTER_OTLP_ENDPOINT`); what is audited goes where
`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` says. The exporters run in threads with bounded queues: a dead
collector drops spans and slows nothing.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import _logs, propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

TRACER = trace.get_tracer("demo")
LOGGER = _logs.get_logger("demo")


def wanted() -> bool:
    """Whether an OTLP endpoint is set."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


# --8<-- [start:bounded]
class Bounded(Sampler):
    """Records requests up to so many a second, and then none: a flood costs what a calm hour does.

    Whether the caller wants to be recorded is not asked; a child goes the way of its parent.
    """

    def __init__(self, a_second: float) -> None:
        self._a_second = a_second
        self._most = self._left = max(1.0, a_second)
        self._asked = time.monotonic()

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide for a request, whether or not somebody else's span is above it."""
        parent = trace.get_current_span(parent_context).get_span_context()
        ours = parent.is_valid and not parent.is_remote
        recorded = parent.trace_flags.sampled if ours else self._has_room()
        decision = Decision.RECORD_AND_SAMPLE if recorded else Decision.DROP
        return SamplingResult(decision, attributes, trace_state)

    def _has_room(self) -> bool:
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._asked) * self._a_second)
        self._asked = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def get_description(self) -> str:
        """As exporters name it."""
        return f"Bounded({self._a_second}/s)"


# --8<-- [end:bounded]


def start(service: str, sampler: Sampler | None = None) -> None:
    """Install the exporters; call it after a fork, once a process.

    Without a sampler a span is recorded when the one above it is: for what follows a row.
    """
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.ERROR)
    resource = Resource.create({"service.name": service})
    if wanted():
        chosen = None if os.environ.get("OTEL_TRACES_SAMPLER") else sampler
        spans = TracerProvider(chosen, resource)
        exporter = OTLPSpanExporter(timeout=2)
        spans.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        trace.set_tracer_provider(spans)
    if os.environ.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"):  # of its own: Jaeger takes no logs
        logs = LoggerProvider(resource)
        sender = BatchLogRecordProcessor(OTLPLogExporter(timeout=2), schedule_delay_millis=500)
        logs.add_log_record_processor(sender)
        _logs.set_logger_provider(logs)


def stop() -> None:
    """Send what is left, for at most the exporters' own time-outs."""
    for provider in (trace.get_tracer_provider(), _logs.get_logger_provider()):
        if isinstance(provider, TracerProvider | LoggerProvider):
            provider.shutdown()


def record(event: str, told: Mapping[str, Any]) -> None:
    """Send a record on its way; without an endpoint it goes nowhere."""
    known = {key: value for key, value in told.items() if value is not None}
    LOGGER.emit(timestamp=time.time_ns(), event_name=event, body=event, attributes=known)


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`, to be kept in a row or a header."""
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_id(parent: str | None) -> str | None:
    """The trace id inside a `traceparent`."""
    return parent.split("-")[1] if parent else None


@contextmanager
def span(
    name: str, parent: str | None = None, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: Any
) -> Iterator[trace.Span]:
    """A span below `parent`, or below the current one."""
    context = propagate.extract({"traceparent": parent}) if parent else None
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    with TRACER.start_as_current_span(name, context, kind=kind, attributes=named) as current:
        yield current
