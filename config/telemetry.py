"""Where errors and traces go, if the environment names a place: Sentry, and OpenTelemetry.

A list says what may leave, so that nothing about a person does: no bodies, no query strings, no values of addresses, no
names, no local variables, no parameters of statements, and no texts of exceptions, which quote such values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

_PROBES = "healthz,readyz,metrics"
_ABOUT_EVENT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "server_name", "sdk")
_ABOUT_EXCEPTION = ("type", "module", "mechanism", "thread_id")
_ABOUT_FRAME = (
    *("filename", "abs_path", "function", "module", "lineno", "in_app"),
    *("pre_context", "context_line", "post_context"),
)
# A name of these sources has no values: "/messages/{pk}/", "dispatch.tasks.tick".
_PLAIN_SOURCES = ("route", "task", "component")
_ABOUT_SPAN = frozenset(
    {
        *("http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code"),
        *("server.address", "server.port", "net.peer.name", "net.peer.port", "error.type"),
        *("celery.action", "celery.state", "celery.task_name", "messaging.destination", "messaging.destination.name"),
    }
)


def report_errors(dsn: str) -> None:
    """Send errors that nobody caught, and errors in the logs, to Sentry."""
    import sentry_sdk
    from sentry_sdk.integrations.django import DjangoIntegration

    sentry_sdk.init(
        dsn=dsn,
        before_send=without_people,
        integrations=[DjangoIntegration(transaction_style="url")],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
    )


def without_people(event: Any, hint: Mapping[str, Any]) -> Any:
    """Return an event for Sentry with nothing but the place of the error, and the id of its request."""
    from core.request_ids import request_id

    kept = {name: event[name] for name in _ABOUT_EVENT if name in event}
    if (event.get("transaction_info") or {}).get("source") in _PLAIN_SOURCES:
        kept["transaction"] = event.get("transaction")
    if exceptions := (event.get("exception") or {}).get("values"):
        kept["exception"] = {"values": [_place(exception) for exception in exceptions]}
    elif record := hint.get("log_record"):
        # Of a line of structlog its name: the rest of it are values.
        kept["logentry"] = {"message": str(record.msg.get("event") if isinstance(record.msg, dict) else record.name)}
    kept["tags"] = {"request_id": request_id()}
    return kept


def _place(exception: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exception with its type and its stack, without its text."""
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    kept = {name: exception[name] for name in _ABOUT_EXCEPTION if name in exception}
    places = [{name: frame[name] for name in _ABOUT_FRAME if name in frame} for frame in frames]
    return kept | {"stacktrace": {"frames": places}}


def start_tracing(endpoint: str) -> None:
    """Send traces of requests, tasks and calls of providers to a collector (OTLP over HTTP). Once in a process."""
    os.environ.setdefault("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", _PROBES)
    os.environ.setdefault("OTEL_SERVICE_NAME", "messenger-logs")
    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    from opentelemetry.trace import Status
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    class WithoutPeople(OTLPSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return super().export([_plain(span) for span in spans])

    def _plain(span: ReadableSpan) -> ReadableSpan:
        """Return the span without what may be about a person: most attributes, all events, the words of its status."""
        return ReadableSpan(
            name=_name(span),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes={name: value for name, value in (span.attributes or {}).items() if name in _ABOUT_SPAN},
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _name(span: ReadableSpan) -> str:
        """Return the name of a span; that of an address without its values."""
        attributes = span.attributes or {}
        if task := attributes.get("celery.task_name"):
            return f"{attributes.get('celery.action', 'run')}/{task}"
        method = attributes.get("http.request.method") or attributes.get("http.method") or "internal"
        return f"{method} {attributes.get('http.route', '')}".strip()

    provider = TracerProvider()
    exporter = WithoutPeople(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    # Not "baggage": a provider would get what a visitor puts there.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    for instrumentor in (DjangoInstrumentor, CeleryInstrumentor, RequestsInstrumentor):
        instrumentor().instrument()
