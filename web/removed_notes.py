"""The sentences on a message's page that say what of it was removed, and what a hold keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.template.defaultfilters import pluralize
from django.utils import timezone

from core.dates import written
from messenger_logs.models import SentMessage
from retention.models import AgedMessage


def removed_notes(message: SentMessage) -> list[str]:
    """Return the sentences; none for most messages."""
    aged = AgedMessage.objects.filter(pk=message.pk).first()
    return list(_sentences(aged)) if aged else []


def _sentences(aged: AgedMessage) -> Iterator[str]:
    if aged.people_at:
        yield _removed("The names, addresses and numbers of its recipients", aged.people_at)
    if aged.kept:
        yield f"A hold keeps those of {aged.kept:,} {pluralize(aged.kept, 'person,people')}."
    if aged.bodies_at:
        yield _removed("Its texts and the names of its attachments", aged.bodies_at)


def _removed(what: str, at: datetime) -> str:
    day = written(timezone.localdate(at))
    return f"{what} were removed on {day}, because the time for which they are kept is over. All figures stay."
