"""Open attempts: fetch the results of calls, and hang up the calls of canceled messages."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, DurationField, F, QuerySet, Value
from django.db.models.functions import Cast, Greatest, Least
from django.utils import timezone

from core.clock import has_come
from dispatch.gateways import News, OpenAttempt, TryLaterError, polling_gateway_for
from dispatch.models import OpenCall
from dispatch.services.recording import record_reports
from dispatch.services.recovery import UNKNOWN_DETAIL
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.services.status_reports import StatusReport

log = structlog.get_logger(__name__)

# Calls that are asked about before their results are recorded, each with a request of its own.
_BATCH = 500
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=1)


def poll(mode: Mode, *, until: float | None = None) -> int:
    """Fetch the results of open attempts until none is due or ``until`` (time.monotonic()) is past.

    No request begins after that time, also within a batch. Returns how many attempts had news.
    """
    gateway = polling_gateway_for(mode)
    if gateway is None:
        return 0
    total = 0
    while (until is None or time.monotonic() < until) and (calls := _take_due(mode)):
        by_attempt = {_open_attempt(call): call for call in calls}
        news = gateway.poll(list(by_attempt), until=until)
        reports = [found for attempt, one in news.items() if (found := _report(by_attempt[attempt], one))]
        _record(mode, calls, reports)
        total += len(reports)
        errors = [one for one in news.values() if isinstance(one, TryLaterError)]
        if errors:
            log.warning("dispatch.poll_later", mode=mode.value, error=str(errors[0]))
        if unasked := [call for attempt, call in by_attempt.items() if attempt not in news]:
            _put_back(unasked)
        if errors or unasked:
            break
    return total


def hang_up(mode: Mode, *, until: float | None = None) -> int:
    """End the live calls of canceled messages. Returns how many calls the provider ended, or knew as ended.

    No request begins after ``until`` (time.monotonic()). The other calls keep their mark for the next time.
    """
    gateway = polling_gateway_for(mode)
    if gateway is None:
        return 0
    total = 0
    tried: set[int] = set()
    while (until is None or time.monotonic() < until) and (calls := _take_to_hang_up(mode, tried)):
        tried |= {call.pk for call in calls}
        by_attempt = {_open_attempt(call): call.pk for call in calls}
        ended = [by_attempt[attempt] for attempt in gateway.hang_up(list(by_attempt), until=until)]
        total += OpenCall.objects.filter(pk__in=ended).update(hang_up=False, poll_at=timezone.now())
    if total < len(tried):
        log.warning("dispatch.hang_up_later", mode=mode.value, calls=len(tried) - total)
    return total


def _take_to_hang_up(mode: Mode, tried: set[int]) -> list[OpenCall]:
    """Take calls in random order: those whose end the provider refuses again and again keep no other waiting."""
    return list(OpenCall.objects.filter(mode=mode, hang_up=True).exclude(pk__in=tried).order_by("?")[:_BATCH])


def due(mode: Mode) -> QuerySet[OpenCall]:
    """Return the open calls whose results are to be asked for now."""
    return OpenCall.objects.filter(has_come("poll_at", timezone.now(), at_most=_LONGEST_WAIT), mode=mode)


@transaction.atomic
def _take_due(mode: Mode) -> list[OpenCall]:
    """Take the open calls that are due. No other worker asks about them until they are due again.

    The calls that it returns say when they were due.
    """
    calls = list(due(mode).select_for_update(skip_locked=True).order_by("poll_at", "placed_at", "pk")[:_BATCH])
    waited = (Value(timezone.now(), DateTimeField()) - F("placed_at")) / 4
    wait = Least(Value(_LONGEST_WAIT), Greatest(Value(_FIRST_WAIT), Cast(waited, DurationField())))
    OpenCall.objects.filter(pk__in=[call.pk for call in calls]).update(poll_at=timezone.now() + wait)
    return calls


def _put_back(calls: list[OpenCall]) -> None:
    """Give calls that nobody was asked about their place back: they are the first of the next turn."""
    OpenCall.objects.bulk_update(calls, ["poll_at"])


def _open_attempt(call: OpenCall) -> OpenAttempt:
    return OpenAttempt(call.delivery_id, call.attempt, call.provider_id, Mode(call.mode))


def _report(call: OpenCall, news: News) -> StatusReport | None:
    """Return what is to be recorded of a call that the provider was asked about.

    A call without a result is given up after CALL_RESULT_HOURS, one without any answer after LOOK_UP_HOURS.
    """
    if isinstance(news, StatusReport):
        return news
    hours = settings.LOOK_UP_HOURS if isinstance(news, TryLaterError) else settings.CALL_RESULT_HOURS
    return _unknown_report(call) if timezone.now() - call.placed_at > timedelta(hours=hours) else None


def _unknown_report(call: OpenCall) -> StatusReport:
    return StatusReport(
        delivery_id=call.delivery_id,
        attempt=call.attempt,
        status=DeliveryStatus.VENDOR_RECEIVED.value,
        detail=UNKNOWN_DETAIL,
        at=timezone.now(),
        provider_id=call.provider_id,
    )


def _record(mode: Mode, calls: list[OpenCall], reports: list[StatusReport]) -> None:
    messages = {call.delivery_id: call.message_id for call in calls}
    by_message: dict[int, list[StatusReport]] = defaultdict(list)
    for report in reports:
        assert report.delivery_id
        by_message[messages[report.delivery_id]].append(report)
    for message_id, found in by_message.items():
        record_reports(message_id, mode, found)
