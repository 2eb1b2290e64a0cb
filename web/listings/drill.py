"""A drill beside the drill before it, and the people whom neither of the two reached."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404

from accounts.listings import ToolListing
from accounts.tools import Right, Tool
from listings.filters import SwitchFilter
from listings.paging import Rows
from messenger_logs.choices import UNREACHED, Reach
from messenger_logs.drills import Comparison, Line, compare, drill_before
from messenger_logs.models import PersonReach, ReachTotals, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach_figures import UNKNOWN
from messenger_logs.unreached import same_person_in, with_details
from web.listings.reach_filters import ReachFilterSet, SchoolFilter
from web.listings.recipients import NameFilter, StudentFilter
from web.listings.unreached_people import PeopleTable
from web.menu import page_url
from web.message_access import record_message_view
from web.message_urls import drill_url, message_logs, message_url

REACHED = (Reach.REACHED,)
LOST, WON = "lost", "won"
# The kinds of people in the drill, and in the one before it.
_KINDS = {"": (UNREACHED, UNREACHED), LOST: (UNREACHED, REACHED), WON: (REACHED, UNREACHED)}
NO_LOG = "You may see the figures of this drill. The people are shown to those who may open its recipients in a log."


class WhoFilter(SwitchFilter):
    """Find people by what the drill and the one before it came to."""

    def __init__(self) -> None:
        choices = [(LOST, "Not now, but before"), (WON, "Now, but not before")]
        super().__init__(label="Reached", choices=choices, empty_label="Not reached in either")

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        before: SentMessage | None = self.parent.before
        if before is None:
            # The first drill: there is only one list, of those whom it did not reach.
            return qs.none() if value else qs.filter(reach__in=UNREACHED)
        now, then = _KINDS[value]
        return qs.filter(same_person_in(before.pk, then), reach__in=now)


class DrillFilters(ReachFilterSet):
    who = WhoFilter()
    student = StudentFilter(label="Student")
    recipient = NameFilter(label="Recipient")
    school = SchoolFilter()

    personal = {"student", "recipient"}

    # The drill before; the list sets it.
    before: SentMessage | None = None

    @cached_property
    def unbounded(self) -> Rows:
        return super().unbounded.filter(**self.which.condition)


class Drill(ToolListing):
    """The people whom a drill did not reach, and the drill before it neither. Raises Http404 if it is no drill, or if
    the tool hides it.

    The figures of both need the tool alone; the people are shown to those to whom a log shows both messages.
    """

    table_class = PeopleTable
    filterset_class = DrillFilters
    filterset: DrillFilters
    default_sort = "student"
    export_name = "drill"
    report_kind = "drill"
    row_name = "people"
    template_name = "web/drill.html"
    summary_template_name = "web/_drill_schools.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.before = self.before
        self.filterset.totals = ReachTotals.objects.filter(message=self.message)

    @property
    def drills(self) -> SentMessageQuerySet:
        return SentMessage.objects.shown_drills(self.user, self.tool)

    @cached_property
    def message(self) -> SentMessage:
        drill: SentMessage = get_object_or_404(self.drills, pk=self.arguments["pk"])
        return drill

    @cached_property
    def before(self) -> SentMessage | None:
        return drill_before(self.message, self.drills)

    @cached_property
    def logs(self) -> dict[int, Tool]:
        """The log, by id, that shows each of the two messages to the user, if any does."""
        return message_logs(self.user, self._both)

    @property
    def _both(self) -> list[int]:
        return [message.pk for message in (self.message, self.before) if message]

    @property
    def may_see_people(self) -> bool:
        return len(self.logs) == len(self._both)

    @property
    def title(self) -> str:
        return f"Drill: {self.message.display_subject}"

    @property
    def export_target(self) -> str:
        return f"Drill {self.message.pk}"

    @property
    def export_details(self) -> dict[str, Any]:
        return {"message": self.message.pk}

    def get_queryset(self) -> QuerySet[PersonReach]:
        people = PersonReach.objects.filter(message=self.message).annotate(kind=F("reach"))
        return with_details(people) if self.may_see_people else people.none()

    @property
    def permissions(self) -> list[str]:
        """The file has people, so its readers need the logs that show them, too."""
        return [*super().permissions, *(tool.permission() for tool in {*self.logs.values()})]

    def notices(self) -> list[str]:
        return [] if self.may_see_people else [NO_LOG]

    def record_look(self) -> None:
        record_message_view(self.message, by=self.user, part="drill", **self.searched)

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self.message, self.before)

    @property
    def lines(self) -> Iterator[tuple[Line, str]]:
        """The schools, each with the address of those whom the drill did not reach there; "" if no log shows them."""
        tool, found = self.logs.get(self.message.pk), self.comparison
        url = message_url(tool, self.message.pk, "unreached") if tool else ""
        for line in found.lines:
            school = "" if line is found.total else f"?{urlencode({'school': line.school or UNKNOWN})}"
            yield line, url and f"{url}{school}"

    def url_of(self, message: SentMessage | None) -> str:
        """Return the address of one of the two messages; "" if no log shows it to the user."""
        tool = self.logs.get(message.pk) if message else None
        return message_url(tool, message.pk) if tool and message else ""

    @property
    def message_url(self) -> str:
        return self.url_of(self.message)

    @property
    def before_url(self) -> str:
        return self.url_of(self.before)

    @property
    def mark_url(self) -> str:
        """The address where the mark is taken away; "" without the right W."""
        return drill_url(self.tool, self.message.pk, "mark") if self.user.may(self.tool, Right.WRITE) else ""

    @property
    def reach_url(self) -> str:
        return page_url(self.tool)
