"""One trace from the POST through row and hint to each attempt and its outbound requests.

Off until an OTLP endpoint is set (`OTEL_EXPORTER_OTLP_ENDPOINT`); what is audited goes where
`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` says. The exporters run in threads with bounded queues: a dead
collector drops spans and slows nothing.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import _logs, propagate, trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind

TRACER = trace.get_tracer("demo")
LOGGER = _logs.get_logger("demo")
IDS = RandomIdGenerator()


def wanted() -> bool:
    """Whether an OTLP endpoint is set."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


# one process decides, for all that follows; whether the caller wants to be recorded is not asked
RECORDS = ParentBased(ALWAYS_ON, remote_parent_not_sampled=ALWAYS_ON)


def left_to_the_environment() -> bool:
    """Whether one of OpenTelemetry's own samplers was asked for."""
    return bool(os.environ.get("OTEL_TRACES_SAMPLER"))


def start(service: str, sampler: Sampler | None = None) -> None:
    """Install the exporters; call it after a fork, once a process.

    Without a sampler a span is recorded when the one above it is: for what follows a row.
    """
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.ERROR)
    resource = Resource.create({"service.name": service})
    if wanted():
        spans = TracerProvider(None if left_to_the_environment() else sampler, resource)
        exporter = OTLPSpanExporter(timeout=2)
        spans.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
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


@contextmanager
def unrecorded(parent: str | None = None) -> Iterator[None]:
    """An id for logs and rows in the place of a span; a span that is dropped costs far more."""
    id = _trace_id_above(parent) or IDS.generate_trace_id()
    here = SpanContext(id, IDS.generate_span_id(), is_remote=False)
    token = attach(trace.set_span_in_context(NonRecordingSpan(here)))
    try:
        yield
    finally:
        detach(token)


def _trace_id_above(parent: str | None) -> int | None:
    if parent is None:
        return None
    above = propagate.extract({"traceparent": parent})
    return trace.get_current_span(above).get_span_context().trace_id or None
