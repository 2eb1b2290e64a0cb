from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.tools import Right, Tool
from listings.dates import DateRange, DateRangeField
from listings.filters import (
    DateRangeFilter,
    ExactFilter,
    ListingFilterSet,
    OptionFilter,
    SwitchFilter,
    ValuesFilter,
)
from messenger_logs.choices import Mode
from messenger_logs.models import Calendar
from messenger_logs.querysets import SentMessageQuerySet, visible_types
from web.filters.subject import SubjectFilter

ALL = "all"


class WhoseFilter(SwitchFilter):
    """My Messages or All Messages; the filterset itself narrows the list, and what its drop-downs offer with it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Whose messages", choices=[(ALL, "All Messages")], empty_label="My Messages", **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs


class DaysField(DateRangeField):
    """One day or a range: a date that is given alone is that day."""

    def within_reach(self, first: Any, last: Any) -> DateRange:
        return super().within_reach(first or last, last or first)


class DaysFilter(DateRangeFilter):
    field_class = DaysField


class MessageIdFilter(ExactFilter):
    """The message's number, or the id under which another system knows it."""

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.known_as(value) if value else qs


def calendars() -> list[tuple[int, str]]:
    return [(calendar.pk, calendar.name) for calendar in Calendar.objects.all()]


class CalendarFilter(OptionFilter):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__("calendars", label="Calendar", choices=calendars, **kwargs)


class ModeFilter(OptionFilter):
    """Messages that use this mode, whichever others they use as well."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("modes", label="Delivery Mode", choices=Mode.choices, **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.filter(modes__contains=[value]) if value else qs


class AttachmentFilter(OptionFilter):
    WITH, WITHOUT = "with", "without"

    def __init__(self, **kwargs: Any) -> None:
        choices = [(self.WITH, "With Attachment"), (self.WITHOUT, "No Attachment")]
        super().__init__("attachments", label="Attachment", choices=choices, empty_label="All Messages", **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        if not value:
            return qs
        return qs.exclude(attachments=[]) if value == self.WITH else qs.filter(attachments=[])


class FiltersOfAUser(ListingFilterSet):
    """Own messages, or all that the user may see, where there is this choice."""

    queryset: SentMessageQuerySet

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.may_choose_whose:
            del self.filters["whose"]
        elif self.data.get("whose") != ALL:
            self.queryset = self.queryset.filter(sender=self.request.user)

    @property
    def may_choose_whose(self) -> bool:
        raise NotImplementedError


class Log2Filters(FiltersOfAUser):
    whose = WhoseFilter()
    message_id = MessageIdFilter(label="Message ID")
    sent = DaysFilter("scheduled_at", label="Date", default_days=None, input_labels=("Start Date", "End Date"))
    calendars = CalendarFilter()
    subject = SubjectFilter(label="Subject")
    sender_name = ValuesFilter(label="Created By")
    message_type = OptionFilter(label="Message Type")
    modes = ModeFilter()
    attachments = AttachmentFilter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types: Sequence[str] = visible_types(self.request.user)
        self.filters["message_type"].extra["choices"] = [(each, each) for each in types]

    @property
    def may_choose_whose(self) -> bool:
        user = self.request.user
        return all(user.may(Tool.SENT_MESSAGE_LOG_2, right) for right in (Right.MY_MESSAGES, Right.ALL_MESSAGES))


class TabFilter(SwitchFilter):
    """The tabs of Upcoming Messages."""

    IN_PROGRESS = "in_progress"

    def __init__(self, **kwargs: Any) -> None:
        choices = [(self.IN_PROGRESS, "In Progress")]
        super().__init__("status", label="Upcoming messages", choices=choices, empty_label="Scheduled", **kwargs)

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.running() if value == self.IN_PROGRESS else qs.scheduled()


class UpcomingFilters(FiltersOfAUser):
    tab = TabFilter()
    whose = WhoseFilter()
    sender_name = ValuesFilter(label="Creator")
    subject = SubjectFilter(label="Subject")
    calendars = CalendarFilter()

    @property
    def may_choose_whose(self) -> bool:
        may: bool = self.request.user.may(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL)
        return may
