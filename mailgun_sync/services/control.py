"""The actions of System Health about the sync. Each of them is in the audit trail."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from core.queue import call_worker
from mailgun_sync.models import DomainHealth, QuarantinedEvent, SendingDomain
from mailgun_sync.services.ingest import retry_quarantined
from mailgun_sync.services.sync import start_backfill
from mailgun_sync.tasks import check_domain, read_suppressions, sync_one


class QueueAway(Exception):
    """The queue of tasks does not answer, so the work waits for the next scheduled sync."""


def request_sync(*, domain: SendingDomain, by: User) -> None:
    """Queue a sync of a domain. Raises QueueAway."""
    _queue(domain, by)
    record_audit_event(by=by, action="mailgun_sync.asked", target=domain.name)


def request_suppressions(*, domain: SendingDomain, by: User) -> None:
    """Queue a reading of a domain's lists of suppressions. Raises QueueAway."""
    if not call_worker(read_suppressions, domain.pk, asked_by_id=by.pk):
        raise QueueAway
    record_audit_event(by=by, action="mailgun_sync.suppressions_asked", target=domain.name)


def request_backfill(*, domain: SendingDomain, by: User) -> bool:
    """Queue a backfill: a worker reads again all events that Mailgun still has. False if the domain was never synced.

    Raises QueueAway. The next sync then starts the backfill.
    """
    if not start_backfill(domain_id=domain.pk):
        return False
    record_audit_event(by=by, action="mailgun_sync.backfill_asked", target=domain.name)
    _queue(domain, by)
    return True


def request_check(*, domain: SendingDomain, by: User) -> None:
    """Queue a check of a domain's health. Raises QueueAway: the next one is that of the night."""
    if not call_worker(check_domain, domain.pk):
        raise QueueAway
    DomainHealth.objects.update_or_create(domain=domain, defaults={"requested_at": timezone.now()})
    record_audit_event(by=by, action="domain_health.asked", target=domain.name)


def _queue(domain: SendingDomain, by: User) -> None:
    if not call_worker(sync_one, domain.pk, asked_by_id=by.pk):
        raise QueueAway


def set_paused(*, domain: SendingDomain, paused: bool, by: User) -> None:
    """Take a domain out of the scheduled syncs, or put it back in."""
    with transaction.atomic():
        if SendingDomain.objects.filter(pk=domain.pk).exclude(paused=paused).update(paused=paused):
            record_audit_event(
                by=by, action="mailgun_sync.paused" if paused else "mailgun_sync.resumed", target=domain.name
            )


def retry(*, quarantined: QuarantinedEvent, by: User) -> bool:
    """Read a quarantined event again. Returns whether it is a stored event now."""
    stored = retry_quarantined(quarantined_id=quarantined.pk)
    record_audit_event(by=by, action="mailgun_sync.retried", target=str(quarantined), details={"stored": stored})
    return stored
