"""What is not finished yet. When nothing is left, the ledger must agree with the provider."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.provider import shown_events
from chaos.site import Site
from dispatch.models import Claim, OpenCall
from mailgun_sync.models import MailgunEvent, SyncRun
from messenger_logs.choices import CANCELABLE, CANCELED
from messenger_logs.models import Redial, SentMessage
from reports.models import ReportJob


def unrest(site: Site) -> list[str]:
    """Say what is still open, in words; nothing when all is done."""
    counts = {
        "open claims": Claim.objects.exclude(state="settled"),
        "open calls": OpenCall.objects.all(),
        "redials": Redial.objects.all(),
        "messages that wait or run": SentMessage.objects.filter(status__in=CANCELABLE),
        "cancels that are not complete": SentMessage.objects.filter(
            status__in=CANCELED, cancel_completed_at__isnull=True
        ),
        "messages without an end": SentMessage.objects.filter(
            dispatch_started_at__isnull=False, dispatch_finished_at__isnull=True
        ),
        "running syncs": SyncRun.objects.running(),
        "reports that are not finished": ReportJob.objects.unfinished(),
    }
    found = [f"{rows.count()} {name}" for name, rows in counts.items() if rows.exists()]
    if not found:
        found += _missing_events(site)
    return found


def _missing_events(site: Site) -> Iterator[str]:
    shown = {event["id"] for event in shown_events(site.provider_url, site.services.environment["MAILGUN_API_KEY"])}
    if missing := shown - set(MailgunEvent.objects.values_list("event_id", flat=True)):
        yield f"{len(missing)} events that are not stored"
