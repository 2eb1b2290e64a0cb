"""The figures for Prometheus. What several hosts share comes from the stores; request times from this host's processes.

No label has personal data, or a value that somebody typed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from core.leased_jobs.models import LeasedJob
from core.timeouts import StatementTimeout, statement_timeout
from dispatch.due import oldest_due
from health.models import Heartbeat
from health.services import figures
from health.troubles import all_troubles
from mailgun_sync.models import SendingDomain, SourceCount
from messenger_logs.choices import Mode

PREFIX = "messenger_logs"
# How long a statement may take, and Valkey, in seconds.
_PATIENCE, _VALKEY_PATIENCE = 5.0, 0.5
# By the values of the labels, a tuple.
Values = Mapping[Any, float]

_of_this_process = CollectorRegistry()
REQUEST_SECONDS = Histogram(
    f"{PREFIX}_request_seconds",
    "How long answers took, by the name of the address.",
    ["view", "method"],
    buckets=(0.025, 0.05, 0.1, 0.3, 1, 3, 10),
    registry=_of_this_process,
)


def exposition() -> bytes:
    """Return all figures in the text format of Prometheus."""
    return generate_latest(_requests()) + generate_latest(_stores)


def _requests() -> CollectorRegistry:
    """Return the request times: where gunicorn has several processes, those of all of them."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return _of_this_process
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


class StoreFigures(Collector):
    """Reads the figures from PostgreSQL and Valkey. If one of them is away, its figures are missing."""

    def collect(self) -> Iterator[Metric]:
        depths, families = _queue_depths(), _from_database()
        yield from families
        if depths:
            yield _gauge("queue_tasks", "Tasks that wait, by queue.", ["queue"], depths)
        up = {("database",): float(bool(families)), ("valkey",): float(depths is not None)}
        yield _gauge("store_up", "Whether a store answers.", ["store"], up)


def _from_database() -> list[Metric]:
    try:
        with statement_timeout(_PATIENCE):
            return list(_families(timezone.now()))
    except (DatabaseError, StatementTimeout):
        return []


def _families(now: datetime) -> Iterator[Metric]:
    yield _gauge(
        "settled_age_seconds", "How old the time is up to which the events are complete.", ["domain"], _settled(now)
    )
    yield _gauge("due_age_seconds", "Since when something is due and nobody has it.", ["mode"], _due(now))
    yield _gauge("heartbeat_age_seconds", "How old the last sign of life is.", ["part"], _heartbeats(now))
    yield _gauge("jobs", "Jobs in the background that are kept, by their status.", ["kind", "status"], _jobs())
    yield _gauge("troubles", "What does not work: see System Health.", ["urgent"], _troubles(now))
    yield _counter("events", "Events that a source brought first.", ["source"], _events())
    yield _counter(
        "hand_overs", "Answers about items that were handed over.", ["mode", "result"], figures.totals("hand_overs")
    )
    yield _counter(
        "provider_errors", "Requests that failed.", ["provider", "error"], figures.totals(figures.PROVIDER_ERRORS)
    )
    failures = {(): sum(figures.totals(figures.SIGN_IN_FAILURES).values())}
    yield _counter("sign_in_failures", "Sign-ins that failed.", [], failures)


def _settled(now: datetime) -> Values:
    domains = SendingDomain.objects.configured().filter(settled_through__isnull=False)
    return {(domain.name,): (now - domain.settled_through).total_seconds() for domain in domains}  # type: ignore[operator]


def _due(now: datetime) -> Values:
    since = {mode: oldest_due(mode, now) for mode in Mode}
    return {(mode.value,): (now - (first or now)).total_seconds() for mode, first in since.items()}


def _heartbeats(now: datetime) -> Values:
    return {(beat.part,): (now - beat.beaten_at).total_seconds() for beat in Heartbeat.objects.all()}


def _jobs() -> Values:
    found: dict[tuple[str, ...], float] = {}
    for model in LeasedJob.__subclasses__():
        jobs: Any = model._default_manager
        counts = jobs.order_by().values_list("status").annotate(Count("pk"))
        found |= {(model._meta.model_name or "", status): count for status, count in counts}
    return found


def _troubles(now: datetime) -> Values:
    urgent = [trouble.urgent for trouble in all_troubles(now)]
    return {("true",): urgent.count(True), ("false",): urgent.count(False)}


def _events() -> Values:
    counts = SourceCount.objects.order_by().values_list("source").annotate(new=Sum("events_new"))
    return {(source,): new for source, new in counts}


def _queue_depths() -> Values | None:
    """Return how many tasks wait in each queue; None if Valkey does not answer."""
    names = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    limits = {"socket_connect_timeout": _VALKEY_PATIENCE, "socket_timeout": _VALKEY_PATIENCE}
    try:
        with Redis.from_url(settings.REDIS_URL, **limits) as client:
            return {(name,): float(client.llen(name)) for name in names}
    except RedisError:
        return None


def _gauge(name: str, meaning: str, labels: list[str], values: Values) -> Metric:
    return _filled(GaugeMetricFamily(f"{PREFIX}_{name}", meaning, labels=labels), values)


def _counter(name: str, meaning: str, labels: list[str], values: Values) -> Metric:
    return _filled(CounterMetricFamily(f"{PREFIX}_{name}", meaning, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


_stores = CollectorRegistry()
_stores.register(StoreFigures())
