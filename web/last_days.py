"""The last 14 days on Home: the people of each day by whether they were reached, and where to read more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from listings.dates import Days
from listings.registry import registry
from messenger_logs.choices import Reach
from messenger_logs.dashboard import Dashboard
from messenger_logs.status_labels import REACH
from providers import mailgun
from web.charts import BarChart, Part, day_columns
from web.outcome_bars import emails_bar

REACH_LISTS = ("admin_reach", "reach")


def last_days_context(user: User, last_days: Dashboard) -> dict[str, Any]:
    """Return the chart, the e-mails of these days, and where this user reads more about them and about the people."""
    first, last = last_days.days[0].isoformat(), last_days.days[-1].isoformat()
    reasons = ("admin_mailgun_message_log_groups", "mailgun_message_log_groups") if mailgun.is_configured() else ()
    month = [day.isoformat() for day in Days.LAST_MONTH.on(timezone.localdate())]
    return {
        "last_days": last_days,
        "days_chart": days_chart(last_days),
        "emails_bar": emails_bar(last_days.emails),
        "reach_url": first_url(user, REACH_LISTS, sent_from=first, sent_to=last),
        "month_url": first_url(user, REACH_LISTS, sent_from=month[0], sent_to=month[1]),
        "reasons_url": first_url(user, reasons, created_from=first, created_to=last),
    }


def days_chart(last_days: Dashboard) -> BarChart:
    """Return the people of each day. The table behind it has the messages, deliveries and failures as well."""
    days = last_days.days
    people = [last_days.people[day] for day in days]
    parts = [Part.of(REACH[kind], [one.by_kind[kind] for one in people]) for kind in Reach]
    more = [Part(series.label, "neutral", [series.counts[day] for day in days]) for series in last_days.series]
    return BarChart(
        "days", gettext("People of the messages of each day"), gettext("Day"), day_columns(days), parts, more
    )


def first_url(user: User, names: Iterable[str], **filters: str) -> str:
    """Return the address of the first of these lists that the user may open, filtered; "" if there is none."""
    entry = next((entry for entry in map(registry.__getitem__, names) if user.may(entry.tool)), None)
    return f"{entry.url()}?{urlencode(filters)}" if entry else ""
