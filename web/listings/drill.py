"""A drill beside the drill before it, and the people whom neither of the two reached."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, reduce
from operator import and_
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.scopes import Scope
from accounts.tools import Tool
from listings.filters import SwitchFilter
from listings.paging import Rows
from messenger_logs.choices import UNREACHED, Reach
from messenger_logs.drills import Comparison, Line, compare, drill_before
from messenger_logs.models import PersonReach, ReachTotals, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.scope_texts import counted_note
from messenger_logs.sight import Sight
from messenger_logs.unreached import same_person_in, with_details
from web.listings.reach_filters import ReachFilterSet, SchoolFilter, StudentOfPersonFilter
from web.listings.recipients import NameFilter
from web.listings.unreached_people import PeopleTable
from web.menu import page_url
from web.message_access import record_message_view
from web.message_urls import drill_url, message_logs, message_url

REACHED = (Reach.REACHED,)
LOST, WON = "lost", "won"
# The kinds of people in the drill, and in the one before it.
_KINDS = {"": (UNREACHED, UNREACHED), LOST: (UNREACHED, REACHED), WON: (REACHED, UNREACHED)}
NO_LOG = _("You may see the figures of this drill. To see its people, you need a log that shows you its recipients.")


class WhoFilter(SwitchFilter):
    """Find people by what the drill and the one before it came to."""

    def __init__(self) -> None:
        choices = [(LOST, _("Reached before, not now")), (WON, _("Reached now, not before"))]
        super().__init__(label=_("Reached"), choices=choices, empty_label=_("Not reached in either"))

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        before: SentMessage | None = self.parent.before
        if before is None:
            # The first drill: there is only one list, of those whom it did not reach.
            return qs.none() if value else qs.filter(reach__in=UNREACHED)
        now, then = _KINDS[value]
        return qs.filter(same_person_in(before.pk, then, self.parent.scope), reach__in=now)


class DrillFilters(ReachFilterSet):
    who = WhoFilter()
    student = StudentOfPersonFilter(label=_("Student"))
    recipient = NameFilter(label=_("Recipient"))
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

    The figures of both need the tool alone; the people are shown to those to whom a log shows both messages. Both are
    those of the user's schools.
    """

    table_class = PeopleTable
    filterset_class = DrillFilters
    filterset: DrillFilters
    default_sort = "student"
    export_name = "drill"
    report_kind = "drill"
    row_name = _("people")
    template_name = "web/drill.html"
    summary_template_name = "web/_drill_schools.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.before = self.before
        self.filterset.scope = self.people_scope
        self.filterset.totals = ReachTotals.objects.in_scope(self.people_scope).filter(message=self.message)

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
        return message_logs(self.user, [message.pk for message in self._both])

    @property
    def _both(self) -> list[SentMessage]:
        return [message for message in (self.message, self.before) if message]

    @property
    def may_see_people(self) -> bool:
        return len(self.logs) == len(self._both)

    @cached_property
    def counted(self) -> Scope:
        """The schools whose people count: in an own drill, everybody."""
        return Sight.of(self.user, self.tool).scope_in(self.message)

    @cached_property
    def people_scope(self) -> Scope:
        """The schools of these whose people the logs of both messages show, too."""
        in_logs = (Sight.of(self.user, self.logs[one.pk]).scope_in(one) for one in self._both if one.pk in self.logs)
        return reduce(and_, in_logs, self.counted)

    @property
    def title(self) -> str:
        return gettext("Drill: %(subject)s") % {"subject": self.message.display_subject}

    @property
    def export_target(self) -> str:
        return f"Drill {self.message.pk}"

    @property
    def export_details(self) -> dict[str, Any]:
        return {"message": self.message.pk}

    def get_queryset(self) -> QuerySet[PersonReach]:
        people = PersonReach.objects.in_scope(self.people_scope).filter(message=self.message)
        people = people.annotate(kind=F("reach"))
        return with_details(people, self.people_scope) if self.may_see_people else people.none()

    @property
    def permissions(self) -> list[str]:
        """The file has people, so its readers need the logs that show them, too."""
        return [*super().permissions, *(tool.permission() for tool in {*self.logs.values()})]

    def notices(self) -> list[str]:
        return [*counted_note(self.counted), *([] if self.may_see_people else [str(NO_LOG)])]

    def _record_look(self) -> None:
        record_message_view(self.message, by=self.user, part="drill", **self.searched)

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self.message, self.before, self.counted)

    @property
    def lines(self) -> Iterator[tuple[Line, str]]:
        """Yield the figures of each school, and the address of the people not reached; "" if no log shows them."""
        tool = self.logs.get(self.message.pk)
        unreached = message_url(tool, self.message.pk, "unreached") if tool else ""
        for line in self.comparison.lines:
            query = f"?{urlencode({'school': line.school})}" if line.school else ""
            yield line, unreached and unreached + query

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
        """The address where the mark is taken away; "" for those who may not mark it."""
        markable = SentMessage.objects.markable_by(self.user, self.tool).filter(pk=self.message.pk)
        return drill_url(self.tool, self.message.pk, "mark") if markable.exists() else ""

    @property
    def reach_url(self) -> str:
        return page_url(self.tool)
