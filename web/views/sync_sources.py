"""The part of System Health about the sources of events: which API is read, and what comes through the webhook."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from listings.columns import AddressColumn, Column, ListingTable, NumberColumn, TimeColumn, time_element
from mailgun_sync.choices import Source
from mailgun_sync.models import RefusedCall, SendingDomain, SourceCount
from providers.mailgun import AUTO
from providers.mailgun_webhooks import KINDS


class SourceTable(ListingTable):
    domain = AddressColumn(verbose_name=_("Domain"))
    source = Column(verbose_name=_("Source"))
    calls = NumberColumn(verbose_name=_("Pages or calls"))
    events_seen = NumberColumn(verbose_name=_("Events"))
    events_new = NumberColumn(verbose_name=_("New"))
    last_at = TimeColumn(seconds=True, verbose_name=_("Last"))


class RefusedTable(ListingTable):
    reason = Column(verbose_name=_("Why it was refused"))
    calls = NumberColumn(verbose_name=_("Calls"))
    last_at = TimeColumn(seconds=True, verbose_name=_("Last"))


def sources_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows of sources and webhooks. There is nothing personal in it."""
    counts = SourceCount.objects.filter(domain__in=SendingDomain.objects.configured()).select_related("domain")
    refused = list(RefusedCall.objects.all())
    called = [count for count in counts if count.source in (Source.WEBHOOK, Source.FORM)]
    last_called = max((count.last_at for count in called), default=None)
    last_refused = refused[0] if refused else None
    return {
        "moved_domains": [domain.name for domain in _moved_domains()],
        "sources": SourceTable(counts),
        "refused": RefusedTable(refused),
        "webhook_url": request.build_absolute_uri(reverse("web:mailgun_webhook")),
        "webhook_kinds": KINDS,
        "signing_keys": len(settings.MAILGUN_WEBHOOK_SIGNING_KEYS),
        "webhook_calls": sum(count.calls for count in called),
        "last_called": time_element(last_called, seconds=True) if last_called else "",
        "last_refused": last_refused,
        "last_refused_at": time_element(last_refused.last_at, seconds=True) if last_refused else "",
        "refused_last": bool(last_refused and (last_called is None or last_refused.last_at > last_called)),
    }


def _moved_domains() -> list[SendingDomain]:
    """Return the domains whose Events API is gone, so that they are read from the Logs API."""
    if settings.MAILGUN_SOURCE != AUTO:
        return []
    return list(SendingDomain.objects.configured().filter(source=Source.LOGS))
