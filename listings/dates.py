"""Ranges of days in the district's time zone, as people type or pick them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django_filters.widgets import SuffixedMultiWidget

from core.dates import EARLIEST_YEAR, LATEST_YEAR, read_day, start_of, written
from listings.paging import Bounds

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class DateRange:
    """The days from `first` to `last`, both included; None is open. Days before `earliest` are never included.

    `notices` are sentences that say how the range differs from the one that was asked for.
    """

    first: date | None
    last: date | None
    earliest: date | None = None
    notices: tuple[str, ...] = ()

    def bounds(self, path: str) -> Bounds:
        low = max((day for day in (self.first, self.earliest) if day), default=None)
        return Bounds(
            path,
            low=start_of(low) if low else None,
            high=start_of(self.last + timedelta(days=1)) if self.last else None,
        )

    def cut(self, first: date, last: date) -> tuple[date, date]:
        """Return the part of the days from `first` to `last` that is in this range. They must have days in common."""
        return max(first, self.first or first), min(last, self.last or last)

    def __str__(self) -> str:
        if self.first and self.first == self.last:
            return gettext("on %(day)s") % {"day": written(self.first)}
        if self.first and self.last:
            days = {"first": written(self.first), "last": written(self.last)}
            return gettext("between %(first)s and %(last)s") % days
        if self.first:
            return gettext("since %(day)s") % {"day": written(self.first)}
        if self.last:
            return gettext("up to %(day)s") % {"day": written(self.last)}
        return gettext("on any day")


class DateRangeWidget(SuffixedMultiWidget):
    suffixes = ["from", "to"]

    def __init__(self) -> None:
        super().__init__([forms.DateInput(attrs={"type": "date"}), forms.DateInput(attrs={"type": "date"})])


class DateRangeField(forms.Field):
    widget = DateRangeWidget

    def __init__(self, *, default_days: int | None, days_back: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.default_days = default_days
        self.days_back = days_back

    @property
    def earliest(self) -> date | None:
        return None if self.days_back is None else timezone.localdate() - timedelta(days=self.days_back)

    def clean(self, value: Sequence[str | None]) -> DateRange:
        days: list[date | None] = []
        for text in value:
            try:
                days.append(read_day((text or "").strip()))
            except ValueError:
                sentence = gettext("enter a date as MM/DD/YYYY, from %(first)s to %(last)s, such as %(today)s.")
                today = written(timezone.localdate())
                words = {"first": EARLIEST_YEAR, "last": LATEST_YEAR, "today": today}
                raise ValidationError(sentence % words) from None
        first, last = days
        if first is None and last is None:
            first, last = self.default()
        return self.within_reach(first, last)

    def default(self) -> tuple[date | None, date | None]:
        if self.default_days is None:
            return None, None
        today = timezone.localdate()
        return today - timedelta(days=self.default_days - 1), today

    def within_reach(self, first: date | None, last: date | None) -> DateRange:
        notices = []
        if first and last and first > last:
            first, last = last, first
            sentence = gettext("The dates were the wrong way round. The list shows %(first)s to %(last)s.")
            notices.append(sentence % {"first": written(first), "last": written(last)})
        earliest = self.earliest
        if earliest and (first is None or first < earliest):
            if first or last:
                sentence = gettext("Only the last %(days)s days can be shown here, from %(first)s.")
                notices.append(sentence % {"days": self.days_back, "first": written(earliest)})
            if last is None or last >= earliest:
                first = earliest
        return DateRange(first, last, earliest, tuple(notices))


class DateRangeFilter(django_filters.Filter):
    """Created Between [date] and [date]: two date inputs, NAME_from and NAME_to.

    `default_days` is the range without a choice: a number of days up to today (1 is today alone, None is any day).
    `days_back` is the number of days before today that can be chosen. `input_labels` stand before the two inputs.
    This filter does not filter: the filterset's `bounds` do, because the paging replaces one side of them.
    """

    field_class = DateRangeField
    # The name under which the filterset declares it.
    name = ""

    def __init__(
        self,
        field_name: str,
        *,
        label: StrOrPromise | None = None,
        default_days: int | None = 1,
        days_back: int | None = None,
        input_labels: tuple[StrOrPromise, StrOrPromise] | None = None,
    ) -> None:
        label = _("Created") if label is None else label
        super().__init__(field_name, label=label, default_days=default_days, days_back=days_back)
        self._input_labels = input_labels

    @property
    def input_labels(self) -> tuple[StrOrPromise, StrOrPromise]:
        usual = gettext("%(what)s Between") % {"what": self.label}, pgettext("between two days", "and")
        return self._input_labels or usual

    @property
    def parameters(self) -> tuple[str, str]:
        """The names of the two values in forms and addresses."""
        return f"{self.name}_from", f"{self.name}_to"

    def filter(self, qs: QuerySet[Any], value: DateRange) -> QuerySet[Any]:
        return qs


class Days(TextChoices):
    """Days that move on with the calendar."""

    TODAY = "today", _("today")
    YESTERDAY = "yesterday", _("yesterday")
    LAST_7 = "last_7_days", _("last 7 days")
    LAST_WEEK = "last_week", _("last week, Monday to Sunday")
    LAST_30 = "last_30_days", _("last 30 days")
    LAST_MONTH = "last_month", _("last month")
    LAST_12_MONTHS = "last_12_months", _("last 12 months")
    SCHOOL_YEAR = "school_year", _("this school year")

    def on(self, today: date) -> tuple[date, date]:
        """Return the first and the last of these days, as seen from a day."""
        monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
        a_day = timedelta(days=1)
        return {
            Days.TODAY: (today, today),
            Days.YESTERDAY: (today - a_day, today - a_day),
            Days.LAST_7: (today - 6 * a_day, today),
            Days.LAST_WEEK: (monday - 7 * a_day, monday - a_day),
            Days.LAST_30: (today - 29 * a_day, today),
            Days.LAST_MONTH: ((month - a_day).replace(day=1), month - a_day),
            Days.LAST_12_MONTHS: (_year_before(today) + a_day, today),
            Days.SCHOOL_YEAR: (_school_year_of(today), today),
        }[self]


# Those that may begin a year ago. A list that goes back for some days alone does not offer them.
LONG = frozenset({Days.LAST_12_MONTHS, Days.SCHOOL_YEAR})
QUICK = (Days.TODAY, Days.YESTERDAY, Days.LAST_7, Days.LAST_30, Days.LAST_12_MONTHS, Days.SCHOOL_YEAR)


def _year_before(day: date) -> date:
    """Return the same day of the year before; February 28 for February 29."""
    last = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if last else day.day)


def _school_year_of(day: date) -> date:
    """Return the first day of the school year in which a day is; `SCHOOL_YEAR_BEGINS` has its month and day."""
    begins = settings.SCHOOL_YEAR_BEGINS
    return date(day.year if (day.month, day.day) >= begins else day.year - 1, *begins)


def moving_days(earliest: date | None) -> list[Days]:
    """Return the days that a list can show which goes back to a day, or (None) as far as there is anything."""
    return [days for days in Days if earliest is None or days not in LONG]


def quick_ranges(earliest: date | None) -> list[tuple[str, date, date]]:
    """Return the ranges offered beside the date inputs: label, first day, last day."""
    today, offered = timezone.localdate(), moving_days(earliest)
    return [(str(days.label), *days.on(today)) for days in QUICK if days in offered]
