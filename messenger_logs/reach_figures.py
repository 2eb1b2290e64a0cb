"""Figures of the people whom messages reached, from the kept totals alone: no delivery is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, TextChoices
from django.db.models.functions import JSONObject, TruncWeek
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ALL_SCHOOLS, Scope
from core.dates import written
from messenger_logs.choices import Mode
from messenger_logs.languages import language_name
from messenger_logs.models import ReachTotals
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import SUMS, People

# Stands for a school or a language that is not known, where "" means all of them.
UNKNOWN = "none"
NO_SCHOOL, NO_LANGUAGE = _("School not known"), _("Language not known")


@dataclass(frozen=True)
class Which:
    """Which people to count: by a mode ("" is any device), of a school (its name) and a language ("" is all).

    `scope` are the schools of whose people the user may know.
    """

    mode: str = ""
    school: str = ""
    language: str = ""
    scope: Scope = ALL_SCHOOLS

    @property
    def narrowed(self) -> bool:
        """Whether not all of the people are meant of whom the user may know."""
        return bool(self.mode or self.school or self.language)

    @property
    def condition(self) -> dict[str, Any]:
        """The condition for the rows of people and for their totals."""
        condition: dict[str, Any] = {} if self.scope.schools is None else {"school__in": self.scope.schools}
        if self.school:
            condition |= {"school": None} if self.school == UNKNOWN else {"school__name": self.school}
        if self.language:
            condition |= {"language": "" if self.language == UNKNOWN else self.language}
        return condition

    @property
    def totals(self) -> QuerySet[ReachTotals]:
        return ReachTotals.objects.filter(mode=self.mode, **self.condition)


EVERYBODY = Which()


def with_people(messages: SentMessageQuerySet, which: Which = EVERYBODY) -> SentMessageQuerySet:
    """Add `reach`, for `read_people`, and leave out messages without any people of the school, language and mode."""
    of_the_message = which.totals.filter(message=OuterRef("pk")).order_by()
    counts = of_the_message.values("message").annotate(reach=JSONObject(**SUMS)).values("reach")
    if which.narrowed:
        messages = messages.filter(Exists(of_the_message))
    return messages.annotate(reach=Subquery(counts))


def read_people(message: Any) -> People:
    """Return the people of a message of `with_people`."""
    return People(**(message.reach or {}))


class Dimension(TextChoices):
    """What the figures of many messages are broken down by."""

    SCHOOL = "school", _("School")
    TYPE = "message_type", _("Message type")
    LANGUAGE = "language", _("Language")
    WEEK = "week", _("Week")


@dataclass(frozen=True)
class Group:
    """The people of one school, message type, language or week: by each mode, and by any device (mode "")."""

    value: Any
    label: str
    modes: dict[str, People] = field(default_factory=dict)

    def by(self, mode: str) -> People:
        return self.modes.get(mode, People())

    @property
    def people(self) -> People:
        return self.by("")


_PATHS = {
    Dimension.SCHOOL: F("school__name"),
    Dimension.TYPE: F("message__message_type"),
    Dimension.LANGUAGE: F("language"),
    Dimension.WEEK: TruncWeek("message__scheduled_at"),
}


def breakdown(messages: SentMessageQuerySet, by: Dimension, which: Which = EVERYBODY) -> list[Group]:
    """Return the people of these messages in groups; the newest week first, else by label. One query.

    `which.mode` does not matter: a group has every mode.
    """
    totals = ReachTotals.objects.filter(message__in=messages.order_by().values("pk"), **which.condition)
    rows = totals.annotate(value=_PATHS[by]).order_by().values("value", "mode").annotate(**SUMS)
    groups: dict[Any, Group] = {}
    for row in rows:
        value = row["value"]
        group = groups.setdefault(value, Group(value, _label(by, value), {}))
        group.modes[row["mode"]] = People.of(row)
    if by is Dimension.WEEK:
        return sorted(groups.values(), key=lambda group: group.value, reverse=True)
    return sorted(groups.values(), key=lambda group: (group.value in (None, ""), group.label.casefold()))


def all_of(groups: Iterable[Group]) -> Group:
    """Return all groups as one."""
    groups = list(groups)
    return Group("", gettext("All"), {mode: sum((group.by(mode) for group in groups), People()) for mode in MODES})


MODES = ("", *Mode.values)


def _label(by: Dimension, value: Any) -> str:
    if by is Dimension.SCHOOL:
        return value or str(NO_SCHOOL)
    if by is Dimension.LANGUAGE:
        return language_name(value) or str(NO_LANGUAGE)
    if by is Dimension.WEEK:
        first, last = week(value)
        return gettext("%(first)s to %(last)s") % {"first": written(first), "last": written(last)}
    return str(value)


def week(begin: Any) -> tuple[date, date]:
    """Return the Monday and the Sunday of a week that begins at this moment of the district's time zone."""
    first: date = begin.date()
    return first, first + timedelta(days=6)
