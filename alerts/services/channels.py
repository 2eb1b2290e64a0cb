"""Changes of channels by people, each with its row in the audit trail. No row has an address of a webhook."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop
from psycopg2.errors import UniqueViolation

from accounts.models import User
from accounts.services import record_audit_event
from alerts.choices import ChannelKind, DeliveryState, NoticeKind
from alerts.models import AlertChannel, AlertDelivery
from core.languages import english

# What a person sets, besides the address of a webhook.
FIELDS = (
    "name", "emails", "format", "active", "urgent_only", "tells_cleared", "remind_hours", "quiet_from", "quiet_to",
)  # fmt: skip


class NameTaken(Exception):
    """Another channel got this name a moment ago."""


def save_channel(*, channel: AlertChannel, values: dict[str, Any], by: User) -> bool:
    """Set these fields of a channel, a new one or a stored one. Returns False if nothing changes.

    `url` is the address of a webhook; without it the address stays. A channel that is turned off gets nothing of what
    waits for it. Raises NameTaken.
    """
    url = values.get("url", "")
    before = {} if channel.pk is None else {name: getattr(channel, name) for name in FIELDS}
    changed = [name for name in FIELDS if name in values and values[name] != before.get(name, _NOTHING)]
    if not changed and not url:
        return False
    for name in changed:
        setattr(channel, name, values[name])
    if url:
        channel.url, channel.retry_at, channel.error = url, None, ""
    with transaction.atomic():
        _store(channel)
        if not channel.active:
            AlertDelivery.objects.waiting().filter(channel=channel).update(
                state=DeliveryState.SKIPPED, error=gettext_noop("The channel was turned off.")
            )
        _record(channel, "added" if not before else "changed", by, [*changed, *(["address"] if url else [])])
    return True


def _store(channel: AlertChannel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise NameTaken from None
        raise


_NOTHING = object()


def remove_channel(*, channel: AlertChannel, by: User) -> None:
    """Remove a channel. What it was told stays with its alerts."""
    with transaction.atomic():
        AlertDelivery.objects.waiting().filter(channel=channel).update(
            state=DeliveryState.SKIPPED, error=gettext_noop("The channel was removed.")
        )
        _record(channel, "removed", by, [])
        channel.delete()


def send_test(*, channel: AlertChannel, by: User) -> AlertDelivery:
    """Queue a test for a channel. Quiet hours do not hold it back."""
    with transaction.atomic():
        _record(channel, "tested", by, [])
        return AlertDelivery.objects.create(channel=channel, channel_name=channel.name, kind=NoticeKind.TEST)


def _record(channel: AlertChannel, verb: str, by: User, changed: list[str]) -> None:
    details: dict[str, Any] = {"kind": english(ChannelKind(channel.kind).label)}
    if changed:
        details["changed"] = changed
    record_audit_event(by=by, action=f"alert_channel.{verb}", target=channel.name, details=details)
