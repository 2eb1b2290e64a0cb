"""What is wrong with messages: an emergency that takes long, and a message of which much fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from core.dates import time_text
from core.troubles import Trouble
from messenger_logs.models import MessageModeTotals, SentMessage

# The first ones say enough.
_NAMED = 10
_RECENT = timedelta(days=1)


def troubles(now: datetime) -> Iterator[Trouble]:
    """Yield what is wrong with messages of the last days, in two queries. A message is named by its number alone."""
    yield from (_late(pk, starts) for pk, starts in _late_emergencies(now))
    yield from (_failing(*row) for row in _failing_messages(now))


def _late_emergencies(now: datetime) -> QuerySet[SentMessage, tuple[int, datetime]]:
    latest = now - timedelta(minutes=settings.TROUBLE_EMERGENCY_MINUTES)
    # PostgreSQL leaves out what is NULL.
    starts = Greatest("scheduled_at", "email_start_at", "voice_start_at")
    open_ones = SentMessage.objects.cancelable().emergencies().filter(dispatched_here=True, scheduled_at__lte=latest)
    late = open_ones.annotate(starts=starts).filter(starts__lte=latest).order_by("starts", "pk")
    return late.values_list("pk", "starts")[:_NAMED]


def _late(pk: int, starts: datetime) -> Trouble:
    return Trouble(
        key=f"messages.emergency.{pk}",
        part=_("Emergencies"),
        words=_("The emergency message %(number)s is not finished. It was due at %(time)s.")
        % {"number": pk, "time": time_text(starts)},
        to_do=_("Find %(number)s in the search, open the message, and see which mode waits and why.") % {"number": pk},
        since=starts,
        urgent=True,
    )


def _failing_messages(now: datetime) -> QuerySet[MessageModeTotals, tuple[int, int, int, datetime]]:
    """Return the number of each message, its failed devices, those that were tried, and when it was due.

    An e-mail that its provider refused counts as a success that failed: see MessageModeTotals.
    """
    recent = SentMessage.objects.filter(scheduled_at__gt=now - _RECENT, scheduled_at__lte=now)
    by_message = MessageModeTotals.objects.filter(totals__message__in=recent).values("totals_id")
    counted = by_message.annotate(
        failures=Sum(F("error") + F("failed") + F("suppressed")),
        tried=Sum(F("devices") - F("pending") - F("canceled") - F("not_attempted")),
        due=F("totals__message__scheduled_at"),
    )
    failing = counted.filter(
        tried__gte=settings.TROUBLE_FAILURE_LEAST, failures__gt=F("tried") * settings.TROUBLE_FAILURE_PERCENT / 100.0
    )
    return failing.order_by("-due", "-totals_id").values_list("totals_id", "failures", "tried", "due")[:_NAMED]


def _failing(pk: int, failures: int, tried: int, due: datetime) -> Trouble:
    return Trouble(
        key=f"messages.failures.{pk}",
        part=_("Messages"),
        words=_("%(failures)s of %(tried)s devices of message %(number)s failed.")
        % {"failures": f"{failures:,}", "tried": f"{tried:,}", "number": pk},
        to_do=_("Find %(number)s in the search, open the message, and look at the reasons of the failures.")
        % {"number": pk},
        since=due,
    )
