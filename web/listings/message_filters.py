"""Filters that several lists of messages share."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import Scope
from accounts.tools import SCOPED_RIGHTS, Tool
from listings.dates import DateRange, DateRangeField
from listings.filters import (
    ContainsFilter,
    DateRangeFilter,
    ExactFilter,
    ListingFilterSet,
    OptionFilter,
    SwitchFilter,
)
from messenger_logs.choices import Mode
from messenger_logs.models import Calendar, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.search import icontains_unaccented


class SubjectFilter(ContainsFilter):
    """Find messages by a part of the subject, with or without accents."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return icontains_unaccented(qs, self.field_name, value) if value else qs


ALL = "all"


class WhoseFilter(SwitchFilter):
    """My Messages or All Messages. The filterset narrows the list, so that its drop-downs are narrowed, too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Whose messages"), choices=[(ALL, _("All Messages"))], empty_label=_("My Messages"), **kwargs
        )

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs


class DaysField(DateRangeField):
    """A day or a range of days: one date alone means that day."""

    def within_reach(self, first: Any, last: Any) -> DateRange:
        return super().within_reach(first or last, last or first)


class DaysFilter(DateRangeFilter):
    field_class = DaysField


class MessageIdFilter(ExactFilter):
    """Find a message by its number, or by its id in another system."""

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.known_as(value) if value else qs


def calendars(user: User, scope: Scope) -> list[tuple[int, str]]:
    """Return the calendars of the schools in a scope, and those of the user's own messages."""
    found = Calendar.objects.all()
    if scope.schools is not None:
        own = SentMessage.objects.filter(sender=user, calendars=OuterRef("pk"))
        found = found.filter(Q(school__in=scope.schools) | Exists(own))
    return [(calendar.pk, calendar.name) for calendar in found]


class CalendarFilter(OptionFilter):
    """Find messages of a calendar. The filterset says which there are: see `OwnOrAllFilters`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("calendars", label=_("Calendar"), choices=(), **kwargs)


class ModeFilter(OptionFilter):
    """Find messages that use this mode; they may use others, too."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Delivery Mode"))
        super().__init__("modes", choices=Mode.choices, **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.filter(modes__contains=[value]) if value else qs


class AttachmentFilter(OptionFilter):
    WITH, WITHOUT = "with", "without"

    def __init__(self, **kwargs: Any) -> None:
        choices = [(self.WITH, _("With Attachment")), (self.WITHOUT, _("No Attachment"))]
        super().__init__("attachments", label=_("Attachment"), choices=choices, empty_label=_("All Messages"), **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        if not value:
            return qs
        return qs.exclude(attachments=[]) if value == self.WITH else qs.filter(attachments=[])


class OwnOrAllFilters(ListingFilterSet):
    """Filters of a list of own messages, or of all that the user may see, if the user has this choice."""

    queryset: SentMessageQuerySet
    tool: ClassVar[Tool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.user.scope_of(self.tool, SCOPED_RIGHTS[self.tool])
        self.filters["calendars"].extra["choices"] = partial(calendars, self.user, scope)
        if not self.may_choose_whose:
            del self.filters["whose"]
        elif self.only_own:
            self.queryset = self.queryset.filter(sender=self.user)

    @property
    def may_choose_whose(self) -> bool:
        raise NotImplementedError

    @property
    def only_own(self) -> bool:
        """Whether the list is narrowed to the user's own messages, out of all that the user may see."""
        return self.may_choose_whose and self.data.get("whose") != ALL
