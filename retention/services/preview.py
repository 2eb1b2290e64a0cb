"""What would go if tonight's work began now. It only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEvent
from mailgun_sync.models import MailgunEvent
from messenger_logs.models import MessageTotals, Reply
from messenger_logs.removed import REMOVED
from retention.choices import Kind
from retention.services import files
from retention.services.aging import held_events, messages_to_age
from retention.services.holds import Holds, respecting_holds
from retention.services.periods import limits, periods


@dataclass(frozen=True)
class KindPreview:
    """The period of a kind, and how many rows of it would go, by what they are."""

    kind: Kind
    days: int | None
    before: datetime | None
    gone: dict[str, int] | None
    """None where they were not counted."""


def preview(*, days: Mapping[Kind, int | None] | None = None, count: bool = True) -> list[KindPreview]:
    """Return what would go now, for each kind; with ``days``, if these were its periods."""
    days = periods() if days is None else days
    before = limits(timezone.now(), days)
    with respecting_holds() as holds:
        counted = {kind: _gone(kind, limit, holds) for kind, limit in before.items()} if count else {}
    return [KindPreview(kind, days[kind], before.get(kind), counted.get(kind)) for kind in Kind]


def _gone(kind: Kind, before: datetime, holds: Holds) -> dict[str, int]:
    counted = _COUNTS[kind](before, holds)
    return {name: number for name, number in counted.items() if number}


def _bodies(before: datetime, holds: Holds) -> dict[str, int]:
    replies = _replies(before, holds).exclude(text__in=[REMOVED, ""])
    messages = messages_to_age(Kind.BODIES, before, holds)
    return {_("messages"): messages.count(), _("texts of replies"): replies.count()}


def _people(before: datetime, holds: Holds) -> dict[str, int]:
    messages = messages_to_age(Kind.PEOPLE, before, holds).filter(aged__people_at=None)
    people = MessageTotals.objects.filter(message__in=messages.order_by().values("pk"))
    replies = _replies(before, holds).exclude(number=REMOVED)
    return {
        _("messages"): messages.count(),
        _("people in them"): people.aggregate(number=Sum("recipients"))["number"] or 0,
        _("replies"): replies.count(),
    }


def _replies(before: datetime, holds: Holds) -> QuerySet[Reply]:
    return Reply.objects.filter(received_at__lt=before).exclude(holds.replies())


def _raw(before: datetime, holds: Holds) -> dict[str, int]:
    return {_("messages"): messages_to_age(Kind.RAW, before, holds).count()}


def _events(before: datetime, holds: Holds) -> dict[str, int]:
    old = MailgunEvent.objects.filter(occurred_at__lt=before)
    keep = held_events(holds)
    held = old.filter(keep).count() if keep is not None else 0
    return {_("events"): old.count() - held}


def _files(before: datetime, holds: Holds) -> dict[str, int]:
    return {_("files"): sum(jobs.filter(asked_at__lt=before).count() for jobs in files.finished())}


def _audit_trail(before: datetime, holds: Holds) -> dict[str, int]:
    return {_("rows"): AuditEvent.objects.filter(occurred_at__lt=before).count()}


_COUNTS = {
    Kind.BODIES: _bodies,
    Kind.PEOPLE: _people,
    Kind.RAW: _raw,
    Kind.EVENTS: _events,
    Kind.REPORTS: _files,
    Kind.AUDIT: _audit_trail,
}
