"""What a log may be filtered by. A filter named like a column stands in its header, any other in the bar above."""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import CharField, F, Func, QuerySet, Value
from django.http import QueryDict
from django.utils import timezone

from core.text import is_storable
from listings.dates import DateRange, DateRangeFilter
from listings.paging import Bounds

__all__ = [
    "ContainsFilter",
    "DateRangeFilter",
    "ExactFilter",
    "FragmentFilter",
    "ListingFilterSet",
    "OptionFilter",
    "SwitchFilter",
    "ValuesFilter",
]

MAX_TEXT = 200
MAX_VALUES = 500


class TextField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = self.to_python(value) or ""
        if len(text) > MAX_TEXT:
            raise ValidationError(f"enter {MAX_TEXT} characters at most.")
        if not is_storable(text):
            raise ValidationError("one of its characters cannot be searched for.")
        return text


class ContainsFilter(django_filters.Filter):
    """Rows whose column contains the typed text, in either case. Wants a trigram index on UPPER(column)."""

    field_class = TextField

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        attrs = {"type": "search", "placeholder": "contains…", "maxlength": MAX_TEXT, "autocomplete": "off"}
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(field_name, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__icontains": value}) if value else qs


class ExactFilter(django_filters.Filter):
    """Rows whose column is just the typed text."""

    field_class = TextField

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "search", "placeholder": "is…"}))
        super().__init__(field_name, "exact", **kwargs)


class OptionFilter(django_filters.ChoiceFilter):
    """A drop-down. `choices` as Django's: pairs, a Choices class, or a callable that gives them."""

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", "all")
        kwargs["error_messages"] = {"invalid_choice": "choose one of the list."}
        super().__init__(field_name, **kwargs)


class SwitchFilter(OptionFilter):
    """A few views of one list as buttons above it, such as tabs. `empty_label` names the one shown first."""

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(field_name, widget=forms.HiddenInput, **kwargs)


class ValuesField(TextField):
    """A drop-down that may hold a value which is not offered (any more): it then finds nothing."""

    widget = forms.Select

    def __init__(self, *, labels: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.labels = labels

    @property
    def choices(self) -> list[tuple[str, str]]:
        return list(self.labels.items())

    def offer(self, values: Collection[str], *, chosen: str) -> None:
        offered = [*values, chosen] if chosen and chosen not in values else values
        pairs = sorted(((value, self.labels.get(value, value)) for value in offered), key=lambda pair: pair[1].lower())
        self.widget.choices = [("", "all"), *pairs]


class ValuesFilter(django_filters.Filter):
    """A drop-down of the values that occur among the rows of the days shown, whatever else is filtered.

    For a text column without NULL, or an annotation. `labels` are the words for stored values, where they differ.
    """

    field_class = ValuesField

    def __init__(
        self, field_name: str | None = None, *, labels: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(field_name, labels=labels or {}, **kwargs)

    def values(self, rows: QuerySet[Any]) -> list[str]:
        """The values that occur, at most one more than can be offered: one query, however many rows there are."""
        path = self.field_name
        found = rows.exclude(**{path: ""}).order_by(path).values_list(path, flat=True).distinct()
        return list(found[: MAX_VALUES + 1])


class FragmentField(TextField):
    """Any part of a time as it stands on the screen: "11/20", "8:30 AM", "2026 8"."""

    def clean(self, value: Any) -> str:
        fragment = " ".join(super().clean(value).upper().split())
        if set(fragment) - set("0123456789/: AMP"):
            raise ValidationError("type a part of a date and time as the list shows them, such as 11/20/2026 8:30 AM.")
        return fragment


class FragmentFilter(django_filters.Filter):
    """Rows whose time, written as the screen shows it in the district's zone, contains the typed text.

    No index helps here, so it belongs beside a date range. The hour may be typed with a leading zero as well.
    """

    field_class = FragmentField
    FORMS = "MM/DD/YYYY FMHH12:MI AM\nMM/DD/YYYY HH12:MI AM"

    def __init__(self, field_name: str | None = None, **kwargs: Any) -> None:
        attrs = {"type": "search", "placeholder": "MM/DD/YYYY H:MM AM", "maxlength": MAX_TEXT, "autocomplete": "off"}
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
    """The filters of a listing; `user` is who looks.

    `personal` names the filters whose values are about people: the session keeps them, no address shows them.
    """

    personal: ClassVar[set[str]] = set()

    @cached_property
    def date_filter(self) -> DateRangeFilter | None:
        return next((each for each in self.filters.values() if isinstance(each, DateRangeFilter)), None)

    def __init__(self, data: QueryDict, *, queryset: QuerySet[Any], user: Any) -> None:
        self.user = user
        super().__init__(data, queryset=queryset)

    @cached_property
    def errors_in_words(self) -> list[str]:
        """What is wrong with the values given, in sentences. While there is any, nothing is shown or exported."""
        return [
            f"{self.filters[name].label}: {message}" for name, found in self.form.errors.items() for message in found
        ]

    @cached_property
    def period(self) -> DateRange | None:
        """The days that are shown; None when the dates given are none, or the log has no date range."""
        if self.date_filter is None or self.date_filter.name in self.form.errors:
            return None
        period: DateRange = self.form.cleaned_data[self.date_filter.name]
        return period

    @cached_property
    def bounds(self) -> Bounds | None:
        return self.period.bounds(self.date_filter.field_name) if self.period and self.date_filter else None

    @cached_property
    def unbounded(self) -> QuerySet[Any]:
        """Rows that pass every filter but the date range; none at all while something is wrong with the filters."""
        rows: QuerySet[Any] = self.queryset.none() if self.errors_in_words else super().qs
        return rows

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that pass all filters: what the pages, the counts and the exports are made of."""
        return self.unbounded.filter(self.bounds.condition()) if self.bounds else self.unbounded

    def offer_values(self) -> list[str]:
        """Fill the drop-downs that offer what occurs in the days shown; what is to be said about them."""
        notices = []
        rows = self.queryset.filter(self.bounds.condition()) if self.bounds else self.queryset
        for name, each in self.filters.items():
            if isinstance(each, ValuesFilter):
                values = [] if self.errors_in_words else each.values(rows)
                self.form.fields[name].offer(values[:MAX_VALUES], chosen=self.form.cleaned_data.get(name, ""))
                if len(values) > MAX_VALUES:
                    notices.append(
                        f"{each.label} offers the first {MAX_VALUES} choices; with fewer days, others appear."
                    )
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
        """The names of the form fields behind the filters, as they stand in addresses."""
        names: list[str] = []
        for name, each in cls.base_filters.items():
            names += each.parameters if isinstance(each, DateRangeFilter) else [name]
        return names

    def shareable(self) -> dict[str, str]:
        """The values that may stand in an address, the days as they were understood."""
        values = {name: self.data[name] for name in self.parameters() if name in self.data}
        if self.date_filter and self.period:
            days = zip(self.date_filter.parameters, (self.period.first, self.period.last), strict=True)
            values |= {name: day.isoformat() if day else "" for name, day in days}
        return {name: text for name, text in values.items() if text and name not in self.personal}

    def in_use(self) -> Iterator[tuple[str, str]]:
        """Label and value, in words, of each filter that is on, but the date range."""
        for name, value in self.form.cleaned_data.items():
            if value in (None, "", [], False) or isinstance(value, DateRange):
                continue
            choices: Any = getattr(self.form.fields[name], "choices", ())
            yield str(self.filters[name].label), "yes" if value is True else str(dict(choices).get(value, value))


def as_query(values: Mapping[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(values)
    return query
