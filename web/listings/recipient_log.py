"""The Recipient Log: what one person was sent, to which device, and what became of it."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.html import format_html

from accounts.listings import ToolListingView
from accounts.tools import Tool
from listings.paging import Key, Page
from listings.timeouts import StatementTimeout, statement_timeout
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.people import Person
from messenger_logs.querysets import SentMessageQuerySet
from web.filters.recipient_log import MOST_PEOPLE, RecipientLogFilters
from web.message_urls import message_addresses
from web.tables.recipient_log import RecipientLogTable

WHAT_TO_ENTER = (
    "Enter a person's name, person id, e-mail address or phone number, and press Find. A part of a name, such as"
    " “Vang Mai”, and a number in any spelling, such as (651) 555-0100, will do."
)
EXPORT_WANTS_A_PERSON = "An export is of one person. Find the person first."


class RecipientLog(ToolListingView):
    """Of the messages that the user sent."""

    tool = Tool.RECIPIENT_LOG
    table_class = RecipientLogTable
    filterset_class = RecipientLogFilters
    filterset: RecipientLogFilters
    table: RecipientLogTable
    default_sort = "-created_at"
    export_name = "recipient-log"
    export_label = "Generate Report"
    row_name = "deliveries"

    def messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(self.request.user, self.tool)

    def get_queryset(self) -> QuerySet[Delivery]:
        # The texts of a message are most of its row, and not in the list.
        unread = ("message__bodies", "message__attachments", "message__criteria", "recipient__merge_fields")
        shown = Delivery.objects.filter(message__in=self.messages())
        return shown.select_related("message", "recipient").defer(*unread)

    def begin(self, asked: dict[str, str], *, find: str) -> None:
        super().begin(asked, find=find)
        self.filterset.recipients = Recipient.objects.filter(message__in=self.messages())

    def answer(self) -> HttpResponseBase:
        if self.asked.get("export") and not self.filterset.problems and not self.knows_the_person():
            self.complaints.append(EXPORT_WANTS_A_PERSON)
        return super().answer()

    def knows_the_person(self) -> bool:
        try:
            with statement_timeout(self.seconds):
                return self.filterset.found is not None
        except StatementTimeout:
            return False

    def fetch_page(self, key: Key | None, *, number: str) -> Page:
        if self.filterset.problems or self.filterset.found is None:
            # Nobody was looked up, so it must not say that nothing was found.
            self.stopped = True
            return Page([])
        page = super().fetch_page(key, number=number)
        self.table.addresses = message_addresses(self.request.user, {row.message_id for row in page.rows})
        return page

    def notes(self) -> list[str]:
        if self.filterset.problems:
            return []
        search, people = self.filterset.search, self.filterset.people
        if not search:
            return [WHAT_TO_ENTER]
        if not people:
            return [f"Nobody found by “{search}” among the recipients of {self.whose}.", WHAT_TO_ENTER]
        if len(people) == 1:
            return [chosen(people[0])]
        return [*self.too_many(len(people)), *map(choice, people[:MOST_PEOPLE])]

    whose = "your messages"

    def too_many(self, number: int) -> list[str]:
        search = self.filterset.search
        if number > MOST_PEOPLE:
            return [f"More than {MOST_PEOPLE} people match “{search}”. Enter more, or choose one of the first:"]
        return [f"{number} people match “{search}”. Choose one:"]


class AdministrationRecipientLog(RecipientLog):
    """Of everybody's messages."""

    tool = Tool.ADMIN_RECIPIENT_LOG
    whose = "anybody's messages"


def in_words(person: Person) -> str:
    students = f", about {'; '.join(person.students)}" if person.students else ""
    return f"{person.name}, person id {person.person_id}{students}."


# The person who is chosen has the id of the button that chose: so the keyboard stays there when the list has changed.


def choice(person: Person) -> str:
    """A person to choose: the button looks for the person id, by POST as the form does."""
    return format_html(
        '<button type="submit" class="link" id="person-{id}" name="person" value="{id}">{words}</button>',
        id=person.person_id,
        words=in_words(person).removesuffix("."),
    )


def chosen(person: Person) -> str:
    return format_html('<span id="person-{}" tabindex="-1">{}</span>', person.person_id, in_words(person))
