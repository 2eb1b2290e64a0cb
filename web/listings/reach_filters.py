"""Filters of lists of people and of the figures of reach."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.scopes import Scope
from listings.filters import ContainsFilter, ListingFilterSet, OptionFilter, ValuesFilter
from messenger_logs.choices import UNREACHED, Mode, Reach
from messenger_logs.languages import language_name
from messenger_logs.models import ReachTotals
from messenger_logs.reach_figures import NO_LANGUAGE, NO_SCHOOL, UNKNOWN, Which
from messenger_logs.search import NormalizedText
from messenger_logs.status_labels import REACH
from messenger_logs.unreached import with_student

# Everybody, whether reached or not.
ALL = "all"


class ReachFilterSet(ListingFilterSet):
    """A list in which school, language and mode choose the people that count. The filters of those three only choose:

    the list asks `which` for what is chosen.
    """

    # The totals of the messages that are shown, and the schools of whose people the user may know; the list sets them.
    totals: QuerySet[ReachTotals]
    scope: Scope

    @property
    def which(self) -> Which:
        chosen = self.form.cleaned_data
        mode, school, language = (str(chosen.get(name) or "") for name in ("mode", "school", "language"))
        return Which(mode, school, language, self.scope)


class StudentOfPersonFilter(ContainsFilter):
    """Find people by a part of the name or number of any of their students in the message."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        named = Q(plain_student_name__contains=NormalizedText(Value(value)))
        return with_student(qs, self.parent.scope, named | Q(student_number__icontains=value))


class SchoolFilter(ValuesFilter):
    """Choose the people whose student is of a school."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("School"), labels={UNKNOWN: NO_SCHOOL}, **kwargs)

    def values(self, rows: QuerySet[Any]) -> list[str]:
        return values_of(self.parent.totals, "school__name")

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


def values_of(totals: QuerySet[ReachTotals], path: str) -> list[str]:
    """Return the values of the totals; of one that is not known, the value of the filter."""
    found = totals.filter(mode="").order_by().values_list(path, flat=True).distinct()
    return [value or UNKNOWN for value in found]


class LanguageLabels(dict[str, str]):
    """The name of each language, by the value of the filter."""

    def get(self, language: str, default: Any = None) -> str:
        return str(NO_LANGUAGE) if language == UNKNOWN else language_name(language)


class LanguageFilter(ValuesFilter):
    """Choose the people whose family speaks a language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Language"), labels=LanguageLabels(), **kwargs)

    def values(self, rows: QuerySet[Any]) -> list[str]:
        return values_of(self.parent.totals, "language")

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


class ReachedByFilter(OptionFilter):
    """Choose the mode by which people were reached or not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=pgettext_lazy("delivery mode", "By"), choices=Mode.choices, empty_label=_("any device"), **kwargs
        )

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


class ReachFilter(OptionFilter):
    """Find people by whether the message reached them."""

    def __init__(self, **kwargs: Any) -> None:
        kinds = [(kind.value, status.lower.word) for kind, status in REACH.items()]
        super().__init__(
            label=_("Reached"),
            choices=[*kinds, (ALL, _("everybody"))],
            empty_label=_("not reached, no device"),
            **kwargs,
        )

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(kind__in=kinds_of(value))


def kinds_of(value: str) -> list[str]:
    """Return the kinds of Reach that a value of ReachFilter means."""
    if value == ALL:
        return list(Reach.values)
    return [value] if value in Reach.values else list(UNREACHED)
