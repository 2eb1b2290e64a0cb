"""What a log may be filtered by. A filter named like a column stands in its header, any other in the bar above."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict

from grid.dates import DateRange, DateRangeFilter
from grid.paging import Bounds

__all__ = ["ContainsFilter", "DateRangeFilter", "ExactFilter", "GridFilterSet", "OptionFilter"]

MAX_TEXT = 200


class TextField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = self.to_python(value) or ""
        if len(text) > MAX_TEXT:
            raise ValidationError(f"enter {MAX_TEXT} characters at most.")
        if "\x00" in text:
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


class GridFilterSet(django_filters.FilterSet):
    """The filters of a log.

    `personal` names the filters whose values are about people: the session keeps them, no address shows them.
    """

    personal: ClassVar[set[str]] = set()

    @cached_property
    def date_filter(self) -> DateRangeFilter | None:
        return next((each for each in self.filters.values() if isinstance(each, DateRangeFilter)), None)

    @cached_property
    def problems(self) -> list[str]:
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
        rows: QuerySet[Any] = self.queryset.none() if self.problems else super().qs
        return rows

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that pass all filters: what the pages, the counts and the exports are made of."""
        return self.unbounded.filter(self.bounds.condition()) if self.bounds else self.unbounded

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
