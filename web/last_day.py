"""The last 24 hours of the site: how the sync ran, what was handed over in each mode, and what events occurred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone
from django.utils.translation import gettext, pgettext

from core.statuses import Shape, Tone
from health.services.figures import HAND_OVERS, by_hour
from mailgun_sync.choices import RunOutcome
from mailgun_sync.models import MailgunEvent, SyncRun
from messenger_logs.choices import Mode, Outcome
from providers import mailgun
from web.charts import Column, Lane, Part, Strip, weekday_and_day

HOURS = 24
# What a run came to that did not read all there was.
_BROKEN = (RunOutcome.FAILED, RunOutcome.INTERRUPTED)


def last_day(now: datetime) -> Strip:
    """Return a line for the sync, for each mode, and for the events of Mailgun, with three queries."""
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    columns = [_column(hour) for hour in hours]
    lanes = [*_mode_lanes(hours, columns)]
    if mailgun.is_configured():
        lanes = [_sync_lane(hours, columns), *lanes, _event_lane(hours, columns)]
    title = gettext("What went on in the last %(hours)s hours") % {"hours": HOURS}
    return Strip("last-day", title, gettext("Hour"), columns, lanes)


def _column(hour: datetime) -> Column:
    local = timezone.localtime(hour)
    return Column(f"{local:%-I %p}", f"{weekday_and_day(local.date())} {local:%-I:%M %p}")


def _sync_lane(hours: list[datetime], columns: list[Column]) -> Lane:
    runs = SyncRun.objects.filter(started_at__gte=hours[0]).order_by()
    rows = runs.annotate(hour=TruncHour("started_at", tzinfo=UTC)).values_list("hour", "outcome")
    found = {(hour, outcome): number for hour, outcome, number in rows.annotate(Count("pk"))}
    broken = [sum(found.get((hour, outcome), 0) for outcome in _BROKEN) for hour in hours]
    runs_well = [
        found.get((hour, RunOutcome.SUCCEEDED), 0) + found.get((hour, RunOutcome.RUNNING), 0) for hour in hours
    ]
    return Lane(
        gettext("Mailgun sync"),
        columns,
        [Part(gettext("runs"), Tone.GOOD.value, runs_well), _bad(pgettext("runs", "failed"), broken)],
    )


def _mode_lanes(hours: list[datetime], columns: list[Column]) -> Iterator[Lane]:
    handed = by_hour(HAND_OVERS, since=hours[0])
    for mode in Mode:
        counts = [handed.get((hour, mode.value), {}) for hour in hours]
        errors = [results.get(Outcome.ERROR, 0) for results in counts]
        others = [sum(results.values()) - error for results, error in zip(counts, errors, strict=True)]
        yield Lane(
            str(mode.label),
            columns,
            [Part(gettext("handed over"), Tone.RUNNING.value, others), _bad(gettext("errors"), errors)],
        )


def _event_lane(hours: list[datetime], columns: list[Column]) -> Lane:
    recent = MailgunEvent.objects.filter(occurred_at__gte=hours[0]).order_by()
    rows = recent.annotate(hour=TruncHour("occurred_at", tzinfo=UTC)).values_list("hour").annotate(Count("pk"))
    found: Mapping[datetime, int] = dict(rows)
    return Lane(
        gettext("Mailgun events"), columns, [Part(gettext("events"), "kind-1", [found.get(hour, 0) for hour in hours])]
    )


def _bad(word: str, counts: list[int]) -> Part:
    return Part(word, Tone.BAD.value, counts, Shape.CROSS.value)
