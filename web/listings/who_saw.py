"""Who Saw: who looked at a message, or at a family, and when."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.forms import TextInput
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.services import record_look
from accounts.tools import Tool
from core.text import visible
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet
from listings.paging import Key, Page
from messenger_logs.models import Recipient
from messenger_logs.people import FoundPeople, Person, find_people
from web.listings.audit_trail import OF_NO_SCHOOL, AuditListing, MessageFilter
from web.listings.recipient_log import MOST_PEOPLE, PersonField, choice, person_text

WHAT_TO_ENTER = _(
    "Enter the number of a message, which is in the address of its page, or a person or student: name, id, e-mail"
    " address or phone number."
)
WHAT_IT_SHOWS = _("The list shows who looked at the record of this family, or at a list of recipients with the family.")
WHOM_EXACTLY = _("Several people match. Enter the whole name, or a person id.")
EXPORT_WANTS_ONE = _("An export is about one message or one family. Find it first.")
# The newest messages to a family. An older one is found by its number.
MOST_MESSAGES = 2_000


class FamilyFilter(ContainsFilter):
    """Find the events about the family that the text means exactly; none if it means several."""

    field_class = PersonField

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        family = [person.person_id for person in self.parent.family]
        messages = Recipient.objects.filter(person_id__in=family).order_by("-message").values_list("message", flat=True)
        return qs.about_people(family, messages=sorted(set(messages[:MOST_MESSAGES]))) if family else qs.none()


class WhoSawFilters(ListingFilterSet):
    happened = DateRangeFilter("occurred_at", label=_("Happened"), default_days=365)
    message = MessageFilter(label=_("Number of a message"))
    person = FamilyFilter(
        label=_("Person or student"),
        widget=TextInput(attrs={"type": "search", "size": 34, "autocomplete": "off", "spellcheck": "false"}),
    )

    personal = {"person"}

    @property
    def search(self) -> str:
        return str(self.form.cleaned_data.get("person", ""))

    @cached_property
    def people(self) -> FoundPeople:
        """The people whom the search means, or whose student it means. Only all schools find anybody."""
        if not (self.search and self.user.scope_of(Tool.AUDIT_TRAIL).everything):
            return FoundPeople([])
        return find_people(Recipient.objects.all(), self.search, limit=MOST_PEOPLE)

    @cached_property
    def family(self) -> list[Person]:
        """The person whom the text means exactly, or all people of the student whom it means exactly."""
        text, people = visible(self.search), self.people.people
        if self.people.only_one:
            return [self.people.only_one]
        if with_this_id := [person for person in people if person.person_id == text]:
            return with_this_id
        of_student = people and not self.people.more and all(_has_student(person, text) for person in people)
        return people if of_student else []


def _has_student(person: Person, text: str) -> bool:
    return any(text.casefold() in (student.number.casefold(), student.name.casefold()) for student in person.students)


class WhoSaw(AuditListing):
    """The audit events about one message, or about one family."""

    filterset_class = WhoSawFilters
    filterset: WhoSawFilters
    export_name = "who-saw"

    @property
    def message_id(self) -> int | None:
        number = self.filterset.form.cleaned_data.get("message")
        return int(number) if number else None

    @property
    def is_asked(self) -> bool:
        """Whether the filters name a message or a family."""
        return not self.filterset.error_messages and bool(self.message_id or self.filterset.family)

    @property
    def about(self) -> dict[str, Any]:
        family = [person.person_id for person in self.filterset.family]
        message = {"message": self.message_id} if self.message_id else {}
        return message | ({"people": family} if family else {})

    def fetch_page(self, key: Key | None) -> Page:
        if not self.is_asked:
            self.stopped = True
            return Page([])
        return super().fetch_page(key)

    def check_export(self) -> None:
        if not self.filterset.error_messages and not self.is_asked:
            self.warnings.append(str(EXPORT_WANTS_ONE))

    @property
    def export_details(self) -> dict[str, Any]:
        return self.about

    def _record_look(self) -> None:
        """Record about whom somebody asked; if nobody was meant exactly, what was searched."""
        if not self.is_asked:
            super()._record_look()
            return
        about = " and ".join(filter(None, [f"message {self.message_id}" if self.message_id else "", self._of_people()]))
        record_look(by=self.user, action="audit.asked", target=self.title, details=self.about | {"about": about})

    def _of_people(self) -> str:
        family = [person.person_id for person in self.filterset.family]
        return f"person {', '.join(family)}" if family else ""

    def notices(self) -> list[str]:
        if self.filterset.error_messages:
            return []
        if not self.scope.everything:
            return [str(OF_NO_SCHOOL)]
        if not self.filterset.search:
            return [] if self.message_id else [str(WHAT_TO_ENTER)]
        family, people = self.filterset.family, self.filterset.people.people
        if family:
            return [*map(self.person_text, family), str(WHAT_IT_SHOWS)]
        if not people:
            return [gettext("Nobody was found. Check the spelling."), str(WHAT_TO_ENTER)]
        if not self.sees_names:
            return [str(WHOM_EXACTLY)]
        return [gettext("Several people match. Choose one:"), *map(choice, people)]

    @property
    def sees_names(self) -> bool:
        """Whether the user may see the records of everybody. The right to the trail opens no names of families."""
        return bool(self.user.scope_of(Tool.ADMIN_RECIPIENT_LOG).everything)

    def person_text(self, person: Person) -> str:
        if self.sees_names:
            return person_text(person)
        return gettext("Person id %(id)s.") % {"id": person.person_id}
