"""The sentences on a message's page that say what of it was removed, and what a hold keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from core.dates import written
from messenger_logs.models import SentMessage
from retention.models import AgedMessage


def removed_notes(message: SentMessage) -> list[str]:
    """Return the sentences; none for most messages."""
    aged = AgedMessage.objects.filter(pk=message.pk).first()
    return list(_sentences(aged)) if aged else []


def _sentences(aged: AgedMessage) -> Iterator[str]:
    if aged.people_at:
        yield gettext(
            "The names, addresses and numbers of its recipients were removed on %(day)s, because the time for which"
            " they are kept is over. All figures stay."
        ) % {"day": _day(aged.people_at)}
    if aged.kept:
        words = ngettext(
            "A hold keeps those of %(count)s person.", "A hold keeps those of %(count)s people.", aged.kept
        )
        yield words % {"count": f"{aged.kept:,}"}
    if aged.bodies_at:
        yield gettext(
            "Its texts and the names of its attachments were removed on %(day)s, because the time for which they are"
            " kept is over. All figures stay."
        ) % {"day": _day(aged.bodies_at)}


def _day(moment: datetime) -> str:
    return written(timezone.localdate(moment))
