"""How fresh and how complete the events are, in plain words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from core.dates import time_text
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncGap
from mailgun_sync.querysets import MailgunEventQuerySet


def next_sync(now: datetime) -> datetime:
    """Return when the schedule starts the next sync after ``now``: a minute of UTC, as Celery counts."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    minutes: set[int] = settings.MAILGUN_SYNC_TIMES.minute  # type: ignore[attr-defined]
    starts = (hour + timedelta(hours=ahead, minutes=minute) for ahead in (0, 1) for minute in minutes)
    return min(start for start in starts if start > now)


def when(moment: datetime, now: datetime) -> str:
    """Format a time of today as "10:31 AM", a time of another day with its date."""
    text = time_text(moment)
    return text.partition(" ")[2] if timezone.localdate(moment) == timezone.localdate(now) else text


def freshness_notices(now: datetime, *, first: datetime | None, last: datetime | None) -> list[str]:
    """Return a line about how fresh the events are, then lines about what is missing from ``first`` to ``last``.

    None stands for no limit on that side. The texts are for the page and for reports.
    """
    domains = list(SendingDomain.objects.configured())
    if not domains:
        return [_("No e-mail domain is set up for this installation, so there are no events to fetch.")]
    settled = [domain.settled_through for domain in domains]
    newest = _newest(MailgunEvent.objects.filter(occurred_at__gte=now - timedelta(days=2)))
    newest = newest or _newest(MailgunEvent.objects.all())
    known = [moment for moment in settled if moment]
    parts = [
        _("Complete up to %(time)s") % {"time": when(min(known), now)}
        if len(known) == len(settled)
        else _("Not complete yet"),
        _("newest event %(time)s") % {"time": when(newest, now)} if newest else _("no event so far"),
        _("next sync %(time)s") % {"time": when(next_sync(now), now)}
        if not all(domain.paused for domain in domains)
        else _("syncs are paused"),
    ]
    return ["; ".join(parts) + ".", *_warnings(domains), *_gaps(first, last)]


def _newest(events: MailgunEventQuerySet) -> datetime | None:
    newest: datetime | None = events.aggregate(at=Max("occurred_at"))["at"]
    return newest


def _warnings(domains: list[SendingDomain]) -> list[str]:
    warnings = []
    if any(domain.last_error for domain in domains):
        warnings.append(_("The last sync with Mailgun failed, so newer events may be missing. It is tried again."))
    if shares := [domain.backfill_share for domain in domains if domain.backfill_share is not None]:
        done = {"percent": f"{min(shares):.0%}"}
        warnings.append(_("Earlier days are still being fetched (%(percent)s done).") % done)
    return warnings


def _gaps(first: datetime | None, last: datetime | None) -> list[str]:
    inside = Q()
    if first:
        inside &= Q(end__gt=first)
    if last:
        inside &= Q(begin__lt=last)
    return [_what_is_missing(gap) for gap in SyncGap.objects.filter(inside).order_by("begin")[:5]]


def _what_is_missing(gap: SyncGap) -> str:
    if gap.is_too_large:
        return _("An event of %(time)s is missing: it is too large to be read.") % {"time": time_text(gap.begin)}
    times = {"begin": time_text(gap.begin), "end": time_text(gap.end)}
    return _("Events from %(begin)s to %(end)s are missing: Mailgun did not have them any more.") % times
