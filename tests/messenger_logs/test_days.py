"""A day is one of the district's zone, in every list and figure, on the days of both clock changes too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from core.dates import start_of
from mailgun_sync.models import MailgunEvent, SendingDomain
from messenger_logs.choices import MessageStatus
from messenger_logs.dashboard import dashboard
from messenger_logs.models import SentMessage
from tests.messenger_logs.factories import make_message

pytestmark = pytest.mark.django_db

ZONES = ["America/Chicago", "America/Havana", "Pacific/Honolulu", "Pacific/Kiritimati", "Asia/Kolkata", "Europe/Dublin"]
DAYS = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2026, 11, 20)]
INSTANT = timedelta(microseconds=1)


def moments(day: date) -> list[datetime]:
    """The moments around the edges of a day, and each of its hours."""
    start, end = start_of(day).astimezone(UTC), start_of(day + timedelta(days=1)).astimezone(UTC)
    hours = [start + timedelta(hours=hour) for hour in range(int((end - start) / timedelta(hours=1)))]
    return [start - INSTANT, *hours, end - INSTANT, end]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", DAYS)
def test_each_list_of_a_day_holds_what_the_districts_clock_puts_there(zone: str, day: date) -> None:
    domain = SendingDomain.objects.create(name="mg.harrison.example")
    with timezone.override(ZoneInfo(zone)):
        at = moments(day)
        messages = [make_message(created_at=moment, scheduled_at=moment, status=MessageStatus.SENT) for moment in at]
        inside = {message.pk for message, moment in zip(messages, at, strict=True) if timezone.localdate(moment) == day}
        assert len(inside) == len(at) - 2
        assert set(SentMessage.objects.all().created_between(day, day).values_list("pk", flat=True)) == inside
        assert set(SentMessage.objects.all().scheduled_between(day, day).values_list("pk", flat=True)) == inside
        assert dashboard(SentMessage.objects.all(), today=day).messages.counts[day] == len(inside)
        MailgunEvent.objects.bulk_create(
            MailgunEvent(domain=domain, event="delivered", event_id=str(number), occurred_at=moment, raw="{}")
            for number, moment in enumerate(at)
        )
        assert MailgunEvent.objects.all().of_day(day).count() == len(inside)
        assert MailgunEvent.objects.all().newest_of_day(day, len(inside)) is None
