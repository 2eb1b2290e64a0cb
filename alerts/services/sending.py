"""Send what is queued for a channel.

What is to be sent is claimed, and the claim committed, before anything leaves. A process that dies in between may have
sent it, and nobody can be asked; so it is not sent again, and the page says that it may have been sent.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from alerts.choices import DeliveryState, NoticeKind
from alerts.models import LONGEST_PAUSE, AlertChannel, AlertDelivery
from alerts.senders import send
from providers.http import TryLaterError, UnknownError

# The most notices of one message: a channel that was away, or quiet, gets the rest in the next one.
MOST_AT_ONCE = 20
# Longer than a process may take to send something; see tasks.py.
SILENT_AFTER = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=30)
_DOUBT = gettext_noop("The process that sent it ended before it could say so.")
_LONGEST_ERROR = 300


def channels_with_work(now: datetime) -> list[int]:
    """Return the ids of the channels that have something to send by now."""
    waiting = set(AlertDelivery.objects.waiting().order_by().values_list("channel", flat=True).distinct())
    channels = AlertChannel.objects.filter(pk__in=waiting)
    return [channel.pk for channel in channels if AlertDelivery.objects.due(channel, now).exists()]


def send_due(*, channel_id: int, until: float) -> int:
    """Send what is due for a channel, for some time (by time.monotonic()). Returns how many notices were sent."""
    sent = 0
    while time.monotonic() < until and (claimed := _claim(channel_id)):
        channel, notices = claimed
        if not _send(channel, notices):
            break
        sent += len(notices)
    return sent


def settle_old(*, now: datetime) -> None:
    """Settle what a dead process was sending, and what could not be sent for too long."""
    silent = AlertDelivery.objects.silent(now - SILENT_AFTER)
    silent.update(state=DeliveryState.IN_DOUBT, error=_DOUBT)
    old = AlertDelivery.objects.waiting().filter(tries__gt=0)
    old = old.filter(queued_at__lt=now - timedelta(hours=settings.ALERT_TRY_HOURS))
    old.update(state=DeliveryState.GIVEN_UP)


def _claim(channel_id: int) -> tuple[AlertChannel, list[AlertDelivery]] | None:
    """Claim the next notices of a channel. None if there are none, or another process has them."""
    now = timezone.now()
    with transaction.atomic():
        # A change of the channel waits for this, and what it turns off is not claimed any more.
        channel = AlertChannel.objects.select_for_update().filter(pk=channel_id).first()
        if channel is None:
            return None
        due = AlertDelivery.objects.due(channel, now).select_related("alert").select_for_update(of=("self",))
        notices = list(due[:MOST_AT_ONCE])
        claimed = AlertDelivery.objects.filter(pk__in=[notice.pk for notice in notices])
        claimed.update(state=DeliveryState.SENDING, sending_at=now, tries=F("tries") + 1)
    return (channel, notices) if notices else None


def _send(channel: AlertChannel, notices: list[AlertDelivery]) -> bool:
    """Send what is claimed, and record what came of it. Returns False if nobody took it."""
    try:
        send(channel, notices)
    except TryLaterError as error:
        _put_back(channel, notices, error)
        return False
    except UnknownError as error:
        _record(channel, notices, DeliveryState.IN_DOUBT, str(error))
    else:
        _record(channel, notices, DeliveryState.SENT)
    return True


def _put_back(channel: AlertChannel, notices: list[AlertDelivery], error: TryLaterError) -> None:
    """Let the notices wait for the next try. A test is tried once."""
    reason = str(error)[:_LONGEST_ERROR]
    # A process that said nothing for long may come back and say it now.
    claimed = AlertDelivery.objects.filter(
        pk__in=[notice.pk for notice in notices], state__in=[DeliveryState.SENDING, DeliveryState.IN_DOUBT]
    )
    tries = max(notice.tries for notice in notices)
    pause = min(max(FIRST_PAUSE * 2 ** min(tries, 5), error.after), LONGEST_PAUSE)
    with transaction.atomic():
        AlertChannel.objects.filter(pk=channel.pk).update(error=reason, retry_at=timezone.now() + pause)
        claimed.filter(kind=NoticeKind.TEST).update(state=DeliveryState.GIVEN_UP, error=reason)
        claimed.exclude(kind=NoticeKind.TEST).update(state=DeliveryState.WAITING, error=reason)


def _record(channel: AlertChannel, notices: list[AlertDelivery], state: DeliveryState, error: str = "") -> None:
    error = error[:_LONGEST_ERROR]
    claimed = AlertDelivery.objects.filter(
        pk__in=[notice.pk for notice in notices], state__in=[DeliveryState.SENDING, DeliveryState.IN_DOUBT]
    )
    sent_at = timezone.now() if state == DeliveryState.SENT else None
    with transaction.atomic():
        AlertChannel.objects.filter(pk=channel.pk).update(error=error, retry_at=None)
        claimed.update(state=state, sent_at=sent_at, error=error)
