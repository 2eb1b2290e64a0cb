"""The filters of lists. A filter that is named like a column stands in its header, all others above the table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import CharField, F, Func, QuerySet, Value
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ids import LARGEST_ID
from core.text import is_storable
from listings.dates import DateRange, DateRangeFilter
from listings.paging import Bounds

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

__all__ = [
    "ContainsFilter",
    "DateRangeFilter",
    "ExactFilter",
    "FragmentFilter",
    "IdFilter",
    "ListingFilterSet",
    "OptionFilter",
    "SwitchFilter",
    "ValuesFilter",
]

MAX_TEXT = 200
MAX_VALUES = 500
# HTML attributes of a field that acts while somebody types: see static/typing.js. What opens a record waits for Enter.
AS_TYPED = {"data-typed": ""}


class TextField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = self.to_python(value) or ""
        if len(text) > MAX_TEXT:
            raise ValidationError(gettext("enter %(number)s characters at most.") % {"number": MAX_TEXT})
        if not is_storable(text):
            raise ValidationError(gettext("one of its characters cannot be searched for."))
        return text


class ContainsFilter(django_filters.Filter):
    """Find rows whose column contains the text, in upper or lower case. It needs a trigram index on UPPER(column)."""

    field_class = TextField

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        usual = {"type": "search", "placeholder": _("contains…"), "maxlength": MAX_TEXT, "autocomplete": "off"}
        attrs = usual | AS_TYPED
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(field_name, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__icontains": value}) if value else qs


class ExactFilter(django_filters.Filter):
    """Find rows whose column equals the text."""

    field_class = TextField

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "search", "placeholder": _("is…")}))
        super().__init__(field_name, "exact", **kwargs)


def is_typed(one: django_filters.Filter) -> bool:
    """Whether people write a text into a filter, and choose from nothing."""
    return isinstance(one, ContainsFilter | ExactFilter)


class IdFilter(django_filters.NumberFilter):
    """Find rows by the id of something."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(field_name, min_value=1, max_value=LARGEST_ID, **kwargs)


class OptionFilter(django_filters.ChoiceFilter):
    """A drop-down. `choices` are Django's: pairs, a Choices class, or a callable that returns pairs."""

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("all"))
        kwargs["error_messages"] = {"invalid_choice": _("choose one of the list.")}
        super().__init__(field_name, **kwargs)


class SwitchFilter(OptionFilter):
    """A few views of one list, as buttons above it, such as tabs. `empty_label` is the label of the first view."""

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(field_name, widget=forms.HiddenInput, **kwargs)


class ValuesField(TextField):
    """A drop-down that accepts values it does not offer (any more). Such a value finds no rows."""

    widget = forms.Select

    def __init__(self, *, labels: Mapping[str, StrOrPromise], **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.labels = labels

    @property
    def choices(self) -> list[tuple[str, StrOrPromise]]:
        return list(self.labels.items())

    def offer(self, values: Collection[str], *, chosen: str) -> None:
        offered = [*values, chosen] if chosen and chosen not in values else values
        labels = ((value, str(self.labels.get(value, value))) for value in offered)
        pairs = sorted(labels, key=lambda pair: pair[1].lower())
        self.widget.choices = [("", gettext("all")), *pairs]


class ValuesFilter(django_filters.Filter):
    """A drop-down of the values that occur in the days shown. Other filters do not change what it offers.

    For a text column without NULL, or an annotation. `labels` maps stored values to their labels, where they differ.
    """

    field_class = ValuesField

    def __init__(
        self, field_name: str | None = None, *, labels: Mapping[str, StrOrPromise] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(field_name, labels={} if labels is None else labels, **kwargs)

    def values(self, rows: QuerySet[Any]) -> list[str]:
        """Return the values that occur, at most one more than can be offered, with one query."""
        path = self.field_name
        found = rows.exclude(**{path: ""}).order_by(path).values_list(path, flat=True).distinct()
        return list(found[: MAX_VALUES + 1])


class FragmentField(TextField):
    """Any part of a time, written as on the screen: "11/20", "8:30 AM", "2026 8"."""

    def clean(self, value: Any) -> str:
        fragment = " ".join(super().clean(value).upper().split())
        if set(fragment) - set("0123456789/: AMP"):
            raise ValidationError(
                gettext("type a part of a date and time as the list shows them, such as 11/20/2026 8:30 AM.")
            )
        return fragment


class FragmentFilter(django_filters.Filter):
    """Find rows whose time, written as on the screen in the district's zone, contains the text.

    No index helps here, so use it beside a date range. The hour may also be typed with a leading zero.
    """

    field_class = FragmentField
    FORMS = "MM/DD/YYYY FMHH12:MI AM\nMM/DD/YYYY HH12:MI AM"

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        usual = {"type": "search", "placeholder": _("MM/DD/YYYY H:MM AM"), "maxlength": MAX_TEXT, "autocomplete": "off"}
        attrs = usual | AS_TYPED
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(field_name, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        name = f"{self.field_name}_as_shown"
        local = Func(Value(timezone.get_current_timezone_name()), F(self.field_name), function="timezone")
        written = Func(local, Value(self.FORMS), function="to_char", output_field=CharField())
        found: QuerySet[Any] = qs.alias(**{name: written}).filter(**{f"{name}__contains": value})
        return found


class ListingFilterSet(django_filters.FilterSet):
    """The filters of a listing. `user` is the person who looks.

    `personal` names the filters whose values are about people: the session keeps these values, no address shows them.
    """

    personal: ClassVar[set[str]] = set()

    @cached_property
    def date_filter(self) -> DateRangeFilter | None:
        return next((each for each in self.filters.values() if isinstance(each, DateRangeFilter)), None)

    @classmethod
    def date_range(cls) -> DateRangeFilter | None:
        """Return the filter by days, if the list has one."""
        return next((each for each in cls.base_filters.values() if isinstance(each, DateRangeFilter)), None)

    def __init__(self, data: QueryDict, *, queryset: QuerySet[Any], user: Any) -> None:
        self.user = user
        super().__init__(data, queryset=queryset)

    @cached_property
    def error_messages(self) -> list[str]:
        """Sentences that say what is wrong with the values. If there are any, no rows are shown or exported."""
        return [
            f"{self.filters[name].label}: {message}" for name, found in self.form.errors.items() for message in found
        ]

    @cached_property
    def period(self) -> DateRange | None:
        """The days that are shown; None if the given dates are not valid, or the list has no date range."""
        if self.date_filter is None or self.date_filter.name in self.form.errors:
            return None
        period: DateRange = self.form.cleaned_data[self.date_filter.name]
        return period

    @cached_property
    def bounds(self) -> Bounds | None:
        return self.period.bounds(self.date_filter.field_name) if self.period and self.date_filter else None

    @cached_property
    def unbounded(self) -> QuerySet[Any]:
        """The rows that pass all filters except the date range; no rows if a value is not valid."""
        rows: QuerySet[Any] = self.queryset.none() if self.error_messages else super().qs
        return rows

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that pass all filters. Pages, counts and exports are made of these."""
        return self.unbounded.filter(self.bounds.condition()) if self.bounds else self.unbounded

    def offer_values(self) -> list[str]:
        """Fill the drop-downs of values that occur in the days shown. Return notices, such as that one is cut."""
        notices = []
        rows = self.queryset.filter(self.bounds.condition()) if self.bounds else self.queryset
        for name, each in self.filters.items():
            if isinstance(each, ValuesFilter):
                values = [] if self.error_messages else each.values(rows)
                self.form.fields[name].offer(values[:MAX_VALUES], chosen=self.form.cleaned_data.get(name, ""))
                if len(values) > MAX_VALUES:
                    sentence = gettext("%(name)s offers the first %(number)s choices; with fewer days, others appear.")
                    notices.append(sentence % {"name": each.label, "number": MAX_VALUES})
        return notices

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        filters: dict[str, django_filters.Filter] = super().get_filters()
        for name, each in filters.items():
            if isinstance(each, DateRangeFilter):
                each.name = name
        return filters

    @classmethod
    def parameters(cls) -> list[str]:
        """The names of the filters' values in forms and addresses."""
        names: list[str] = []
        for name, each in cls.base_filters.items():
            names += each.parameters if isinstance(each, DateRangeFilter) else [name]
        return names

    def shareable(self) -> dict[str, str]:
        """The values that an address may carry, with the days that are shown."""
        values = {name: self.data[name] for name in self.parameters() if name in self.data}
        if self.date_filter and self.period:
            days = zip(self.date_filter.parameters, (self.period.first, self.period.last), strict=True)
            values |= {name: day.isoformat() if day else "" for name, day in days}
        return {name: text for name, text in values.items() if text and name not in self.personal}

    def in_use(self, *, switches: bool = True) -> Iterator[tuple[str, str]]:
        """Yield label and value, as texts, of each active filter except the date range; with or without switches."""
        for name, value in self.form.cleaned_data.items():
            if value in (None, "", [], False) or isinstance(value, DateRange):
                continue
            if not switches and isinstance(self.filters[name], SwitchFilter):
                continue
            choices: Any = getattr(self.form.fields[name], "choices", ())
            yield (
                str(self.filters[name].label),
                gettext("yes") if value is True else str(dict(choices).get(value, value)),
            )


def as_query(values: Mapping[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(values)
    return query
