"""Which of Mailgun's APIs a run reads: MAILGUN_SOURCE says it, or says that we find out."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from accounts.services import record_audit_event
from core.languages import english
from mailgun_sync.choices import Source
from mailgun_sync.client import EventsApi, EventsApiGoneError, EventSource, LogsApi
from mailgun_sync.models import SendingDomain, SyncRun
from providers.mailgun import AUTO

log = structlog.get_logger(__name__)


def open_source(domain: SendingDomain, run: SyncRun) -> tuple[EventSource, datetime]:
    """Return the API that a run reads, and the time of its clock. The run and the domain remember which one it is.

    If the Events API is gone and MAILGUN_SOURCE is auto, the domain changes over to the Logs API for good: this run
    reads on there, from where the cursor is. Raises ProviderError.
    """
    source = source_in_use(domain)
    api = LogsApi.of(domain.name) if source == Source.LOGS else EventsApi.of(domain.name)
    try:
        clock = api.now()
    except EventsApiGoneError as gone:
        if settings.MAILGUN_SOURCE != AUTO or not api.knows_domain():
            raise
        log.warning("mailgun_sync.events_api_gone", domain=domain.name, error=str(gone))
        source, api = Source.LOGS, LogsApi.of(domain.name)
        clock = api.now()
    _remember(domain, run, source)
    return api, clock


def source_in_use(domain: SendingDomain) -> Source:
    """Return the API that the next run of a domain reads, as far as we know."""
    return Source(domain.source if settings.MAILGUN_SOURCE == AUTO else settings.MAILGUN_SOURCE)


@transaction.atomic
def _remember(domain: SendingDomain, run: SyncRun, source: Source) -> None:
    if run.source != source:
        run.source = source
        SyncRun.objects.filter(pk=run.pk).update(source=source)
    if SendingDomain.objects.filter(pk=domain.pk).exclude(source=source).update(source=source):
        details = {"before": english(Source(domain.source).label), "after": english(source.label)}
        record_audit_event(by=None, action="mailgun_sync.source_changed", target=domain.name, details=details)
