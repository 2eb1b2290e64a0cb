"""Look at the troubles: each new one fires an alert, and each one that is gone clears its own.

One process looks at a time, from reading the troubles to the commit: so an alert follows from what was true last. What
has to be told is queued in the same transaction; see sending.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.utils.translation import gettext_noop

from alerts.choices import AlertState, DeliveryState, NoticeKind
from alerts.models import Alert, AlertChannel, AlertDelivery
from core.troubles import Trouble

# Beat may be a bit early.
_EARLY = timedelta(seconds=5)
_LOCK = 7_265_013

_FIRE = """
INSERT INTO alerts_alert AS known (key, part, words, to_do, page, urgent, since, fired_at, last_seen_at)
SELECT seen.*, %(now)s, %(now)s
FROM unnest(%(key)s::text[], %(part)s::text[], %(words)s::text[], %(to_do)s::text[], %(page)s::text[],
            %(urgent)s::boolean[], %(since)s::timestamptz[]) AS seen
ON CONFLICT (key) WHERE cleared_at IS NULL DO UPDATE
SET part = EXCLUDED.part, words = EXCLUDED.words, to_do = EXCLUDED.to_do, page = EXCLUDED.page,
    urgent = known.urgent OR EXCLUDED.urgent, since = EXCLUDED.since, last_seen_at = EXCLUDED.last_seen_at,
    quiet_since = NULL
"""


def look(*, now: datetime, troubles: Callable[[datetime], Iterable[Trouble]]) -> bool:
    """Fire and clear alerts. Returns False if another process looks at this moment; then nothing happens."""
    with transaction.atomic():
        if not _lock():
            return False
        seen = {trouble.key: trouble for trouble in reversed(list(troubles(now)))}
        _fire(list(seen.values()), now)
        cleared = _clear(set(seen), now)
        if channels := list(AlertChannel.objects.active()):
            _tell_fired(channels, now)
            _tell_cleared(cleared, channels, now)
            _remind(channels, now)
    return True


def _lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _fire(troubles: list[Trouble], now: datetime) -> None:
    """Store the troubles in one statement: a new one is an alert that fires, an open one is seen again."""
    columns: dict[str, Any] = {
        "key": [trouble.key for trouble in troubles],
        "part": [trouble.part for trouble in troubles],
        "words": [trouble.words for trouble in troubles],
        "to_do": [trouble.to_do for trouble in troubles],
        "page": [trouble.page for trouble in troubles],
        "urgent": [trouble.urgent for trouble in troubles],
        "since": [trouble.since for trouble in troubles],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIRE, columns | {"now": now})


def _clear(keys: set[str], now: datetime) -> list[int]:
    """Clear the alerts whose trouble was gone at two looks: one that comes and goes is one alert. Return their ids."""
    gone = Alert.objects.open().exclude(key__in=keys)
    quiet = Q(quiet_since__lte=now - timedelta(seconds=settings.ALERT_LOOK_SECONDS) + _EARLY)
    # The clock may have been put back: then the quiet begins again.
    begins = Q(quiet_since=None) | Q(quiet_since__gt=now)
    gone.filter(quiet | begins).update(
        cleared_at=Case(When(quiet, then=Value(now)), default=None, output_field=DateTimeField()),
        quiet_since=Case(When(begins, then=Value(now)), default=F("quiet_since"), output_field=DateTimeField()),
    )
    return list(Alert.objects.filter(cleared_at=now).values_list("pk", flat=True))


def _tell_fired(channels: list[AlertChannel], now: datetime) -> None:
    """Send each channel its news: what fired, and what became urgent. A new channel gets all that is open."""
    alerts = Alert.objects.in_state(AlertState.OPEN).order_by("pk").values_list("pk", "urgent")
    told = set(
        AlertDelivery.objects.filter(kind=NoticeKind.FIRED, alert__cleared_at=None).values_list("alert", "channel")
    )
    wanted = ((pk, channel) for pk, urgent in alerts for channel in channels if urgent or not channel.urgent_only)
    _queue([_notice(pk, channel, now) for pk, channel in wanted if (pk, channel.pk) not in told])


def _tell_cleared(cleared: list[int], channels: list[AlertChannel], now: datetime) -> None:
    """Tell those who were told of it. What was held back by quiet hours is not told any more."""
    of_cleared = AlertDelivery.objects.filter(alert__in=cleared)
    held = of_cleared.waiting().filter(tries=0, alert__urgent=False) | of_cleared.waiting().filter(
        kind=NoticeKind.REMINDER
    )
    held.update(state=DeliveryState.SKIPPED, error=gettext_noop("It cleared before it was sent."))
    by_id = {channel.pk: channel for channel in channels if channel.tells_cleared}
    told = of_cleared.filter(kind=NoticeKind.FIRED, channel__in=by_id).exclude(
        state__in=[DeliveryState.SKIPPED, DeliveryState.GIVEN_UP]
    )
    pairs = told.order_by("alert_id").values_list("alert_id", "channel_id")
    _queue([_notice(alert, by_id[channel], now, kind=NoticeKind.CLEARED) for alert, channel in pairs])


def _remind(channels: list[AlertChannel], now: datetime) -> None:
    """Remind of open alerts that nobody acknowledged, where a channel was told of them. A late reminder comes once."""
    by_id = {channel.pk: channel for channel in channels if channel.remind_hours}
    told = AlertDelivery.objects.filter(kind=NoticeKind.FIRED, channel__in=by_id, alert__cleared_at=None)
    told = told.filter(alert__acknowledged_at=None, state__in=[DeliveryState.SENT, DeliveryState.IN_DOUBT])
    notices = []
    for alert, channel_id, fired_at in told.values_list("alert_id", "channel_id", "alert__fired_at"):
        channel = by_id[channel_id]
        if (number := (now - fired_at) // timedelta(hours=channel.remind_hours)) > 0:
            notices.append(_notice(alert, channel, now, kind=NoticeKind.REMINDER, number=number))
    _queue(notices)


def _notice(
    alert_id: int, channel: AlertChannel, now: datetime, *, kind: NoticeKind = NoticeKind.FIRED, number: int = 0
) -> AlertDelivery:
    return AlertDelivery(
        alert_id=alert_id, channel=channel, channel_name=channel.name, kind=kind, number=number, queued_at=now
    )


def _queue(notices: list[AlertDelivery]) -> None:
    AlertDelivery.objects.bulk_create(notices, ignore_conflicts=True)
