"""Contacts to Fix: the addresses and numbers at which nothing arrives for good, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from core.dates import start_of, time_text
from core.statuses import Status
from core.timeouts import StatementTimeout, statement_timeout
from listings.columns import ROW_LINK, WIDE, AddressColumn, Column, ListingTable, StatusColumn, TimeColumn
from listings.elements import folded, one_line
from listings.filters import ContainsFilter, ListingFilterSet, OptionFilter, SwitchFilter, ValuesFilter
from messenger_logs.choices import ContactProblem, ContactState, Mode
from messenger_logs.contact_problems import CONTACT_PROBLEMS, CONTACT_STATES, what_to_do
from messenger_logs.models import ContactPerson, ContactToFix, School
from messenger_logs.querysets import ContactToFixQuerySet
from messenger_logs.search import NormalizedText
from messenger_logs.status_labels import detail_text, device_text
from web.charts import BarChart, day_columns, parts_by_size
from web.contact_access import contact_url, contacts_shown
from web.listings.recipients import DeviceFilter

_MODES = [(mode.value, mode.label) for mode in (Mode.EMAIL, Mode.VOICE, Mode.TEXT)]
# The days of the chart above the list.
CHARTED_DAYS = 30
# At most this many people stand in a row; the page of the contact has all of them.
MOST_PEOPLE = 3


def contact_device(contact: ContactToFix) -> str:
    return device_text(contact.mode, contact.address, contact.given_address)


def contact_reason(contact: ContactToFix) -> str:
    """The reason in the provider's words; "" where it said nothing. The code of an e-mail only says that it left."""
    code = None if contact.mode == Mode.EMAIL else contact.code
    return detail_text(contact.mode, contact.reason, code)


def state_text(contact: ContactToFix) -> str:
    """Who set the state, and when: "Vang, Mai, 11/20/2026 10:05 AM". Of one that no person set, why it is so."""
    if contact.handled and contact.handled_at:
        return f"{contact.handled_by_name}, {time_text(contact.handled_at)}"
    if contact.state == ContactState.FIXED:
        if not contact.succeeded_at:
            return gettext("nothing fails any more")
        return gettext("it arrived %(time)s") % {"time": time_text(contact.succeeded_at)}
    return ""


def people_texts(people: Iterable[ContactPerson]) -> Iterator[str]:
    """Yield each person with the students: "Vang, Mai (Vang, Lia; Vang, Kou)". The people come in their order."""
    for _person, rows in groupby(people, key=attrgetter("person_id")):
        of_person = list(rows)
        students = dict.fromkeys(row.student_name for row in of_person if row.student_name)
        yield of_person[0].name + (f" ({'; '.join(students)})" if students else "")


def people_in_order(contact: Any) -> list[ContactPerson]:
    """The people behind a contact, one after the other: two of the same name stay apart."""
    first = {row.person_id: place for place, row in reversed(list(enumerate(contact.shown_people)))}
    return sorted(contact.shown_people, key=lambda row: first[row.person_id])


def people_once(people: Iterable[ContactPerson]) -> list[ContactPerson]:
    """Leave out who differs from another only in the sender of the messages."""
    return [*{(row.person_id, row.student_number, row.student_name, row.school_id): row for row in people}.values()]


def school_names(contact: Any) -> list[str]:
    return sorted({row.school.name for row in contact.shown_people if row.school})


class NotedStatusColumn(StatusColumn):
    """A status, with a note below it."""

    def note(self, record: ContactToFix) -> str:
        return ""

    def render(self, record: ContactToFix) -> SafeString:
        note = self.note(record)
        below = format_html('<p class="reason">{}</p>', folded(note)) if note else ""
        return format_html("{}{}", super().render(record), below)

    def value(self, record: ContactToFix) -> str:
        return ": ".join(filter(None, [self.status(record).in_english, self.note(record)]))


class ProblemColumn(NotedStatusColumn):
    def note(self, record: ContactToFix) -> str:
        return contact_reason(record)


class StateColumn(NotedStatusColumn):
    def note(self, record: ContactToFix) -> str:
        return state_text(record)


def _address_of(record: ContactToFix, table: ContactTable) -> str:
    return contact_url(table.listing.tool, record.pk)


class ContactTable(ListingTable):
    device = AddressColumn(accessor="address", verbose_name=_("Address or Number"), linkify=_address_of, attrs=ROW_LINK)
    mode = Column(verbose_name=_("Delivery Mode"))
    problem = ProblemColumn(CONTACT_PROBLEMS, verbose_name=_("Problem"), attrs=WIDE)
    since = TimeColumn(verbose_name=_("Since"))
    tried = TimeColumn(
        accessor="last_tried_at", verbose_name=_("Last Tried"), orderable=False, default="—", at_first=False
    )
    people = Column(accessor="pk", verbose_name=_("Person (Students)"), orderable=False, attrs=WIDE)
    school = Column(accessor="pk", verbose_name=_("School"), orderable=False)
    todo = Column(accessor="problem", verbose_name=_("What to Do"), orderable=False, attrs=WIDE)
    state = StateColumn(CONTACT_STATES, verbose_name=_("State"))

    card_columns = ("problem", "device", "people", "todo")

    def render_device(self, record: ContactToFix) -> SafeString:
        return one_line(contact_device(record))

    def value_device(self, record: ContactToFix) -> str:
        return contact_device(record)

    def render_mode(self, record: ContactToFix) -> str:
        return str(Mode(record.mode).label)

    def render_people(self, record: ContactToFix) -> SafeString | str:
        people = list(people_texts(people_in_order(record)))
        if len(people) > MOST_PEOPLE:
            people = [
                *people[:MOST_PEOPLE],
                gettext("and %(count)s more") % {"count": f"{len(people) - MOST_PEOPLE:,}"},
            ]
        return format_html_join("", "<div>{}</div>", ((text,) for text in people)) or gettext("nobody on record")

    def value_people(self, record: ContactToFix) -> str:
        return "; ".join(people_texts(people_in_order(record)))

    def render_school(self, record: ContactToFix) -> str:
        return ", ".join(school_names(record)) or "—"

    def value_school(self, record: ContactToFix) -> str:
        return ", ".join(school_names(record))

    def render_todo(self, record: ContactToFix) -> str:
        return "" if record.state == ContactState.FIXED else what_to_do(record.problem, record.mode)


class WhichFilter(SwitchFilter):
    """The contacts that somebody has to fix, by their state, or all."""

    ALL = "all"

    def __init__(self) -> None:
        choices = [*ContactState.choices, (self.ALL, pgettext_lazy("contacts", "All"))]
        super().__init__("state", label=_("Contacts"), choices=choices, empty_label=_("To fix"))

    def filter(self, qs: ContactToFixQuerySet, value: str) -> ContactToFixQuerySet:
        if not value:
            return qs.not_fixed()
        return qs if value == self.ALL else qs.filter(state=value)


class PeopleFilter(ContainsFilter):
    """Find by a part of the name of a person or a student, or by the student's number."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        part = NormalizedText(Value(value))
        named = Q(plain_name__contains=part) | Q(plain_student_name__contains=part) | Q(student_number=value)
        return qs.with_person(self.parent.shown_people.filter(named))


class SchoolFilter(ValuesFilter):
    """Find by the school of a student behind the contact."""

    def values(self, rows: QuerySet[Any]) -> list[str]:
        behind = self.parent.shown_people.filter(school=OuterRef("pk"))
        return list(School.objects.filter(Exists(behind)).order_by("name").values_list("name", flat=True))

    def filter(self, qs: ContactToFixQuerySet, value: str) -> ContactToFixQuerySet:
        return qs.with_person(self.parent.shown_people.filter(school__name=value)) if value else qs


class ContactFilters(ListingFilterSet):
    which = WhichFilter()
    device = DeviceFilter("address", label=_("Address or Number"))
    mode = OptionFilter(
        label=_("Delivery Mode"), choices=[(mode.value, mode.label) for mode in Mode if mode != Mode.INBOX]
    )
    problem = OptionFilter(label=_("Problem"), choices=ContactProblem.choices)
    people = PeopleFilter(label=_("Person or student"))
    school = SchoolFilter(label=_("School"))

    personal = {"device", "people"}

    # The people whom the tool shows; the list sets them.
    shown_people: QuerySet[ContactPerson]


class ContactsToFix(ToolListing):
    """The addresses and numbers at which nothing arrives, of own messages or of the user's schools."""

    table_class = ContactTable
    filterset_class = ContactFilters
    filterset: ContactFilters
    default_sort = "-since"
    export_name = "contacts-to-fix"
    row_name = _("contacts")
    shows_people = True
    api_resource = "contacts"
    summary_template_name = "web/_summary_chart.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.shown_people = ContactPerson.objects.visible_to(self.user, self.tool)

    def get_queryset(self) -> ContactToFixQuerySet:
        return contacts_shown(self.user, self.tool)

    @cached_property
    def chart(self) -> BarChart | None:
        """The contacts of the list that began to fail on each of the last days; None if none did.

        Only a page reads it.
        """
        if not self.page.rows:
            return None
        try:
            with statement_timeout(self.seconds):
                return self._chart()
        except StatementTimeout:
            return None

    def _chart(self) -> BarChart | None:
        today = timezone.localdate()
        days = [today - timedelta(days=ago) for ago in reversed(range(CHARTED_DAYS))]
        contacts: Any = self.filterset.qs
        recent = contacts.filter(since__gte=start_of(days[0])).order_by().prefetch_related(None)
        rows = recent.annotate(day=TruncDate("since")).values_list("day", "problem").annotate(Count("pk"))
        found = {(problem, day): number for day, problem, number in rows}
        problems = [one for one in ContactProblem if any(problem == one for problem, _ in found)]
        counts = {str(problem.label): [found.get((problem, day), 0) for day in days] for problem in problems}
        if not counts:
            return None
        title = gettext("What began to fail in the last %(days)s days") % {"days": CHARTED_DAYS}
        return BarChart("contacts", title, gettext("Day"), day_columns(days), parts_by_size(counts))


def problem_status(contact: ContactToFix) -> Status:
    return CONTACT_PROBLEMS[ContactProblem(contact.problem)]


def state_status(contact: ContactToFix) -> Status:
    return CONTACT_STATES[ContactState(contact.state)]
