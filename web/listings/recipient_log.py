"""The Recipient Log: the messages to one person, their devices, and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import HiddenInput, TextInput
from django.http import Http404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.services import record_look
from accounts.tools import Tool
from core.text import visible
from core.timeouts import StatementTimeout, statement_timeout
from listings.columns import ROW_LINK, Column, TimeColumn
from listings.filters import MAX_TEXT, ContainsFilter, DateRangeFilter, ListingFilterSet, OptionFilter, TextField
from listings.paging import Key, Page
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.failure_reasons import why_not_reached
from messenger_logs.models import Delivery, Recipient
from messenger_logs.people import SHORTEST_NAME, FoundPeople, Person, Student, find_people
from messenger_logs.scope_texts import schools_text
from web.device_flags import DeviceFlags
from web.listings.message_filters import SubjectFilter
from web.listings.recipients import RecipientTable
from web.message_urls import message_urls


def _message_address(record: Delivery, table: RecipientLogTable) -> str | None:
    url: str | None = table.listing.message_urls.get(record.message_id)
    return url


class RecipientLogTable(RecipientTable):
    """The columns of RecipientTable, and before them the message.

    All rows are about one person, whom the page names above them. So only a file has columns for that.
    """

    created_at = TimeColumn(accessor="message__created_at", verbose_name=_("Date Created"))
    recipient = Column(accessor="recipient__name", verbose_name=_("Recipient"), on_page=False)
    person_id = Column(accessor="recipient__person_id", verbose_name=_("PersonID"), on_page=False)
    subject = Column(
        accessor="message__subject",
        verbose_name=_("Message Subject"),
        linkify=_message_address,
        attrs=ROW_LINK,
        empty_values=(),
    )
    sender = Column(accessor="message__sender_name", verbose_name=_("Sender"), at_first=False)
    why = Column(accessor="pk", verbose_name=_("Why Not Reached"), orderable=False)
    time = TimeColumn(accessor="last_attempt_at", verbose_name=_("Time"), orderable=False, at_first=False)

    card_columns = ("status", "subject", "why", "created_at")

    class Meta:
        exclude = ("as_sent",)
        sequence = (
            *("created_at", "recipient", "person_id", "student", "subject", "sender"),
            *("mode", "device", "status", "detail", "why", "time", "provider"),
        )

    def render_student(self, value: Recipient) -> str:
        school = value.student_school.name if value.student_school else ""
        return str(Student(value.student_name, value.student_number, school)) or "—"

    def render_subject(self, record: Delivery) -> str:
        return record.message.display_subject

    def render_why(self, record: Delivery) -> str:
        return why_not_reached(record)


# At most this many people are offered as a choice.
MOST_PEOPLE = 50


class PersonField(TextField):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and len(text) < SHORTEST_NAME and not text.isdigit():
            raise ValidationError(gettext("enter %(count)s letters or more.") % {"count": SHORTEST_NAME})
        return text


class PersonFilter(ContainsFilter):
    """Find the deliveries to the person whom the text means exactly; none if it means several people."""

    field_class = PersonField

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"type": "search", "maxlength": MAX_TEXT, "size": 34, "autocomplete": "off", "spellcheck": "false"}
        super().__init__(widget=TextInput(attrs=attrs), **kwargs)

    def filter(self, qs: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        found = self.parent.found
        return qs.filter(recipient__person_id=found.person_id) if found else qs.none()


class RecipientLogFilters(ListingFilterSet):
    created = DateRangeFilter("message__created_at", default_days=30)
    person = PersonFilter(label=_("Name, student, id, e-mail or phone"))
    subject = SubjectFilter("message__subject", label=_("Message Subject"))
    mode = OptionFilter(choices=Mode.choices, label=_("Delivery Mode"))
    status = OptionFilter(choices=DeliveryStatus.choices, label=_("Status"))

    personal = {"person"}

    # The messages that the user may search; the log sets them.
    recipients: QuerySet[Recipient]

    @property
    def search(self) -> str:
        """The text that was entered, if it is valid; "" otherwise."""
        return str(self.form.cleaned_data.get("person", ""))

    @cached_property
    def people(self) -> FoundPeople:
        """The people whom the search means, or whose student it means."""
        return find_people(self.recipients, self.search, limit=MOST_PEOPLE) if self.search else FoundPeople([])

    @property
    def found(self) -> Person | None:
        """The person whom the search means exactly; None if it is several, or if the text is a part of something.

        Else “Vang, Lia” would open the record of another family's “Vang, Blia”. A person id is one person's alone, also
        where it is the number of a student as well: a choice of a person posts it.
        """
        with_this_id = (person for person in self.people.people if person.person_id == visible(self.search))
        return self.people.only_one or next(with_this_id, None)


WHAT_TO_ENTER = _(
    "Enter a person's name, person id, e-mail address or phone number as a whole, and press Find. Any spelling will do,"
    " such as (651) 555-0100. For a part of one, or for a student's name or number, you get a list of people to choose"
    " from."
)
EXPORT_WANTS_A_PERSON = _("An export is of one person. Find the person first.")


class RecipientLog(ToolListing):
    """The deliveries to one person, of the user's own messages; with the administration's tool, of all messages."""

    table_class = RecipientLogTable
    filterset_class = RecipientLogFilters
    filterset: RecipientLogFilters
    default_sort = "-created_at"
    export_name = "recipient-log"
    row_name = _("deliveries")
    report_kind = "recipient"
    template_name = "web/recipient_log.html"
    shows_people = True
    reads_replica = True
    # The addresses of the messages on this page that the user may open, by id.
    message_urls: Mapping[int, str] = MappingProxyType({})
    devices = DeviceFlags()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.recipients = Recipient.objects.visible_to(self.user, self.tool)

    def get_queryset(self) -> QuerySet[Delivery]:
        # The texts of a message are most of its row, and the list does not show them.
        unread = ("message__bodies", "message__attachments", "message__criteria", "recipient__merge_fields")
        shown = Delivery.objects.visible_to(self.user, self.tool)
        return shown.select_related("message", "recipient__student_school").defer(*unread)

    @property
    def person(self) -> Person | None:
        """The person whom the search means exactly; None if there is no such, or several people."""
        return self.filterset.found

    def check_export(self) -> None:
        if not self.filterset.error_messages and not self.knows_the_person():
            self.warnings.append(str(EXPORT_WANTS_A_PERSON))

    @property
    def export_details(self) -> dict[str, Any]:
        return {"person": self.person.person_id} if self.person else {}

    def _record_look(self) -> None:
        """Record whose record was opened or, if nobody was meant exactly, what was searched."""
        if self.filterset.error_messages or not self.filterset.search:
            return  # No search was made.
        if self.person is None:
            super()._record_look()
            return
        details = self.export_details | self.look_details | self.searched
        record_look(by=self.user, action="person.viewed", target=self.tool.path, details=details)

    def knows_the_person(self) -> bool:
        try:
            with statement_timeout(self.seconds):
                return self.person is not None
        except StatementTimeout:
            return False

    def fetch_page(self, key: Key | None) -> Page:
        if self.filterset.error_messages or self.person is None:
            # No search was made, so the page must not say that nothing was found.
            self.stopped = True
            return Page([])
        return super().fetch_page(key)

    def complete_rows(self, rows: list[Delivery]) -> None:
        self.message_urls = message_urls(self.user, {row.message_id for row in rows}) if rows else {}
        self.devices = DeviceFlags.of(rows, user=self.user)

    def notices(self) -> list[str]:
        if self.filterset.error_messages:
            return []
        search, people = self.filterset.search, self.filterset.people.people
        if not search:
            return [str(WHAT_TO_ENTER)]
        if not people:
            return [self.nobody(search), str(WHAT_TO_ENTER)]
        if self.person:
            others = [person for person in people if person is not self.person]
            family = gettext("“%(search)s” is also the number of a student. Choose one of the family:")
            also = [family % {"search": search}] if others else []
            asked = [who_saw_button(self.person)] if self.user.may(Tool.AUDIT_TRAIL) else []
            return [chosen(self.person), *record_link(self.tool, self.person), *asked, *also, *map(choice, others)]
        return [*self.which(len(people)), *map(choice, people)]

    def nobody(self, search: str) -> str:
        """Return a sentence that says among whom nobody was found."""
        if self.tool is Tool.RECIPIENT_LOG:
            return gettext("Nobody was found for “%(search)s” among the recipients of your messages.") % {
                "search": search
            }
        if self.scope.everything:
            return gettext("Nobody was found for “%(search)s” among the recipients of anybody's messages.") % {
                "search": search
            }
        return gettext("Nobody was found for “%(search)s” among the people of %(schools)s.") % {
            "search": search,
            "schools": schools_text(self.scope),
        }

    def which(self, number: int) -> list[str]:
        search = self.filterset.search
        if self.filterset.people.more:
            words = gettext("More than %(count)s people match “%(search)s”. Enter more, or choose one of the first:")
        elif number == 1:
            words = gettext(
                "One person matches “%(search)s” as a part of a name, an address or a number, or as a student. Is this"
                " the one you mean?"
            )
        else:
            words = gettext("%(count)s people match “%(search)s”. Choose one:")
        return [words % {"count": number, "search": search}]


def named(person: Person) -> str:
    """Return a person with the person id and the students."""
    known = {"name": person.name, "id": person.person_id, "students": "; ".join(map(str, person.students))}
    if person.students:
        return gettext("%(name)s, person id %(id)s, about %(students)s") % known
    return gettext("%(name)s, person id %(id)s") % known


def person_text(person: Person) -> str:
    return f"{named(person)}."


# The chosen person gets the id of the button that was pressed, so that the focus stays there when the list changes.


def choice(person: Person) -> str:
    """Return a button that chooses a person: it posts the person id with the form."""
    return format_html(
        '<button type="submit" class="link" id="person-{id}" name="person" value="{id}">{words}</button>',
        id=person.person_id,
        words=named(person),
    )


def chosen(person: Person) -> str:
    return format_html('<span id="person-{}" tabindex="-1">{}</span>', person.person_id, person_text(person))


def record_url(tool: Tool, person_id: str) -> str:
    """Return the address of a person's record, which people may share; "" for an id that no address can have."""
    name = f"web:{tool.name.lower()}_person"
    return reverse(name, args=[person_id]) if person_id and "/" not in person_id else ""


def record_link(tool: Tool, person: Person) -> list[str]:
    address = record_url(tool, person.person_id)
    return [format_html('<a href="{}">{}</a>', address, gettext("Link to this record"))] if address else []


class PersonRecord(RecipientLog):
    """The Recipient Log of one person, whom the path names: who may see the record may have its address.

    Raises Http404 if the user may see nobody with this id.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.form.fields["person"].widget = HiddenInput()
        if "person" in self.filterset.form.errors or self.person is None:
            raise Http404(gettext("There is no such record."))

    def understood(self, values: Mapping[str, str]) -> dict[str, str]:
        return super().understood({**values, "person": self.arguments["person"]})

    @property
    def searched(self) -> dict[str, list[str]]:
        """Nothing: whose record it is stands in the row of the trail, and nobody searched."""
        return {}

    def notices(self) -> list[str]:
        asked = [who_saw_button(self.person)] if self.person and self.user.may(Tool.AUDIT_TRAIL) else []
        return [chosen(self.person), *asked] if self.person else []


def who_saw_button(person: Person) -> str:
    """Return a button that asks who saw the record of a person. It posts a form beside the list, not the list's."""
    return format_html(
        '<button type="submit" class="link" form="who-saw-form" name="person" value="{}">{}</button>',
        person.person_id,
        gettext("Who saw this record, and when"),
    )
