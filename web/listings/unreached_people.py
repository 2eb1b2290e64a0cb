"""The people of one message whom it did not reach: each once, every device, and why."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import F, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from listings.columns import WIDE, Column, ListingTable, StatusColumn
from listings.paging import Rows
from messenger_logs.choices import Mode
from messenger_logs.languages import language_name
from messenger_logs.models import PersonReach, ReachTotals
from messenger_logs.reach_figures import NO_LANGUAGE, NO_SCHOOL
from messenger_logs.scope_texts import counted_note
from messenger_logs.status_labels import REACH
from messenger_logs.unreached import devices_of, students_of, with_details
from web.listings.of_message import MessageListing
from web.listings.reach_filters import (
    LanguageFilter,
    ReachedByFilter,
    ReachFilter,
    ReachFilterSet,
    SchoolFilter,
    StudentOfPersonFilter,
)
from web.listings.recipients import NameFilter


class PeopleTable(ListingTable):
    student = Column(accessor="pk", order_by="filed_under", verbose_name=_("Student"))
    recipient = Column(accessor="recipient__name", verbose_name=_("Recipient"), orderable=False)
    school = Column(accessor="school__name", verbose_name=_("School"), orderable=False, empty_values=())
    language = Column(verbose_name=_("Language"), orderable=False, empty_values=())
    reach = StatusColumn(REACH, accessor="kind", verbose_name=_("Reached"), orderable=False)
    devices = Column(accessor="pk", verbose_name=_("Devices, and why not"), orderable=False, attrs=WIDE)

    identity_column = "recipient"
    card_columns = ("recipient", "reach", "devices")

    def render_student(self, record: PersonReach) -> SafeString | str:
        return format_html_join("", "<div>{}</div>", ((text,) for text in students_of(record))) or "—"

    def value_student(self, record: PersonReach) -> str:
        return "; ".join(students_of(record))

    def render_school(self, record: PersonReach) -> str:
        return record.school.name if record.school else str(NO_SCHOOL)

    def value_school(self, record: PersonReach) -> str:
        return record.school.name if record.school else ""

    def render_language(self, record: PersonReach) -> str:
        return language_name(record.language) or str(NO_LANGUAGE)

    def value_language(self, record: PersonReach) -> str:
        return language_name(record.language)

    def render_devices(self, record: PersonReach) -> SafeString:
        lines = ((one.mode.label, one.device, one.why) for one in devices_of(record))
        listed = format_html_join("", "<li><strong>{} {}</strong> {}</li>", lines)
        return format_html('<ul class="devices">{}</ul>', listed)

    def value_devices(self, record: PersonReach) -> str:
        return " ".join(map(str, devices_of(record)))


class PeopleFilters(ReachFilterSet):
    student = StudentOfPersonFilter(label=_("Student"))
    recipient = NameFilter(label=_("Recipient"))
    school = SchoolFilter()
    language = LanguageFilter()
    reach = ReachFilter()
    mode = ReachedByFilter()

    personal = {"student", "recipient"}

    @cached_property
    def unbounded(self) -> Rows:
        return super().unbounded.filter(**self.which.condition)


class UnreachedPeople(MessageListing):
    """The people whom a message did not reach, by school and family. A filter shows those whom it reached."""

    table_class = PeopleTable
    filterset_class = PeopleFilters
    filterset: PeopleFilters
    default_sort = "student"
    export_name = "unreached-people"
    row_name = _("people")
    part = "unreached people"
    title_text = _("Unreached people of %(subject)s")
    template_name = "web/message_unreached.html"
    api_resource = "people"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.scope = self.scope
        self.filterset.totals = ReachTotals.objects.in_scope(self.scope).filter(message=self.message)

    @property
    def mode(self) -> str:
        """The mode by which people were reached or not; "" for any device."""
        mode = self.values.get("mode", "")
        return mode if mode in Mode.values else ""

    def get_queryset(self) -> QuerySet[PersonReach]:
        people = PersonReach.objects.in_scope(self.scope).filter(message=self.message)
        return with_details(people.annotate(kind=F(self.mode or "reach")), self.scope)

    @property
    def title(self) -> str:
        chosen = self.values.get("reach")
        if not chosen:
            return super().title
        return gettext("People of %(subject)s") % {"subject": self.message.display_subject}

    @property
    def call_sheet_url(self) -> str:
        return self.part_url("call_sheet")

    def notices(self) -> list[str]:
        each = gettext(
            "Each person has one row, with all students and devices of this message. Names are those of that day."
        )
        return [*counted_note(self.scope), each]
