"""How long each kind of data is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import english
from retention.choices import Kind
from retention.models import RetentionPeriod

# In days. Nothing goes that a provider may still report about, or that a page counts on.
SHORTEST = {
    Kind.BODIES: 45,
    Kind.PEOPLE: 45,
    Kind.EVENTS: 45,
    Kind.RAW: 45,
    Kind.AUDIT: 365,
    Kind.REPORTS: 1,
}
LONGEST = 36_500


def configured_days(kind: Kind) -> int | None:
    """Return the days that the configuration says; None for ever."""
    days = {
        Kind.EVENTS: settings.EVENT_RETENTION_DAYS,
        Kind.RAW: None,  # CLAIM_RETENTION_DAYS holds for the answers to hand-overs alone
        Kind.REPORTS: None,  # each file has its end: REPORT_DAYS, IMPORT_DAYS
    }
    return days.get(kind)


def periods() -> dict[Kind, int | None]:
    """Return the days of each kind; None for ever."""
    set_days = dict(RetentionPeriod.objects.values_list("kind", "days"))
    return {kind: set_days[kind] if kind in set_days else configured_days(kind) for kind in Kind}


def limits(now: datetime, days: Mapping[Kind, int | None] | None = None) -> dict[Kind, datetime]:
    """Return the moment before which things of a kind are too old; kinds that are kept for ever are left out.

    ``days`` are other periods than those that are set.
    """
    kept = periods() if days is None else days
    return {kind: now - timedelta(days=number) for kind, number in kept.items() if number is not None}


@transaction.atomic
def set_period(*, kind: Kind, days: int | None, by: User) -> bool:
    """Keep a kind for so many days, or for ever with None. Returns whether that is another period than before.

    Raises ValueError for a period that is shorter than SHORTEST, or longer than LONGEST.
    """
    if days is not None and not SHORTEST[kind] <= days <= LONGEST:
        raise ValueError(f"{kind.label}: {days} days")
    before = periods()[kind]
    if before == days:
        return False
    RetentionPeriod.objects.update_or_create(kind=kind, defaults={"days": days})
    record_audit_event(
        by=by,
        action="retention.period_set",
        target=english(kind.label),
        details={"days before": before, "days": days},
    )
    return True
