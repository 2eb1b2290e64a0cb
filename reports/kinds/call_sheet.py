"""The call sheet of a message: the people whom it did not reach, by school and family, each with a box to tick."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope
from accounts.tools import MESSAGE_LOGS, Tool
from messenger_logs.choices import UNREACHED, MessageStatus, Reach
from messenger_logs.languages import language_name
from messenger_logs.models import Delivery, PersonReach, ReachTotals, SentMessage
from messenger_logs.reach import People, people_of_many
from messenger_logs.reach_figures import NO_SCHOOL, UNKNOWN, Which
from messenger_logs.scope_texts import schools_text
from messenger_logs.status_labels import MESSAGE_STATUSES, REACH
from messenger_logs.unreached import (
    devices_of,
    earlier_numbers_of,
    numbers_of,
    people_with,
    students_of,
    with_details,
    with_earlier_numbers,
)
from reports.document import Column, Document, Figures, Rows
from reports.kinds.message import MessageForm, MessageReport
from reports.report import Choices, Pairs, labels, moment, number

# A box to tick with a pen, which the fonts of a PDF have.
BOX = "□"
# People are read in so many at a time.
CHUNK = 500
KINDS = [(kind.value, REACH[kind].word) for kind in Reach if kind is not Reach.REACHED]
NOT_HERE = _("(from an earlier message)")


class CallSheetForm(MessageForm):
    reach = forms.MultipleChoiceField(
        label=_("Who Is Listed"),
        choices=KINDS,
        widget=Choices,
        required=False,
        initial=list(UNREACHED),
        error_messages={"invalid_choice": _("Choose kinds of people who were not reached.")},
    )
    school = forms.ChoiceField(
        label=_("School"), required=False, error_messages={"invalid_choice": _("Choose a school of this message.")}
    )
    field_order = ["reach", "school", "format", "rows_only"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["school"]
        field.choices = [("", pgettext("schools", "all")), *schools_of(self.message, self.scope)]

    def clean_reach(self) -> list[str]:
        return self.cleaned_data["reach"] or [kind.value for kind in UNREACHED]


def schools_of(message: SentMessage, scope: Scope) -> list[tuple[str, str]]:
    """Return the schools of a message's people that the user may know."""
    totals = ReachTotals.objects.in_scope(scope).filter(message=message, mode="")
    names = totals.order_by("school__name").values_list("school__name", flat=True).distinct()
    return [(name or UNKNOWN, name or str(NO_SCHOOL)) for name in names]


class CallSheet(MessageReport):
    """Everybody to whom a tool shows a message's recipients may have it, with the people of the same schools.

    A number that the message itself does not have comes from the newest messages that the same tool shows to the user.
    """

    kind = "call-sheet"
    label = _("Call Sheet")
    tools = (*MESSAGE_LOGS, Tool.UPCOMING_MESSAGES)
    form_class = CallSheetForm

    def people(self) -> QuerySet[PersonReach]:
        which = Which(school=self.chosen["school"], scope=self.scope)
        people = people_with(self.chosen["reach"]).filter(message=self.message, **which.condition)
        return people.order_by("filed_under", "pk")

    def count(self, limit: int | None = None) -> int:
        return self.people().order_by()[:limit].count()

    def rows(self) -> Iterator[tuple[str, ...]]:
        seen = Delivery.objects.visible_to(self.user, self.tool).exclude(message=self.message)
        people = with_earlier_numbers(with_details(self.people(), self.scope), seen)
        return map(line, people.iterator(chunk_size=CHUNK))

    def document(self) -> Document:
        self.message = message = self.as_it_is_now()
        found = people_of_many([message.pk], self.scope).get(message.pk, People())
        return Document(
            title=str(self.label),
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=[Figures(gettext("People"), figures(found), columns=2, counted=True), self.table()],
            landscape=True,
            summary_in_csv=not self.chosen["rows_only"],
        )

    @property
    def criteria(self) -> Pairs:
        chosen = self.chosen["school"]
        school = [(gettext("School"), dict(schools_of(self.message, self.scope))[chosen])] if chosen else []
        if not (chosen or self.scope.everything):
            school = [(gettext("Schools"), schools_text(self.scope))]
        return [(gettext("Who Is Listed"), labels(self.chosen["reach"], KINDS)), *school]

    def header(self) -> Pairs:
        message, kind = self.message, self.message.message_type
        return [
            (gettext("Subject"), message.display_subject),
            (gettext("Message ID"), str(message.pk)),
            (gettext("Message Status"), MESSAGE_STATUSES[MessageStatus(message.status)].in_english),
            (gettext("Type"), gettext("%(type)s (drill)") % {"type": kind} if message.drill else kind),
            (gettext("Sender"), message.sender_name),
            (gettext("Date"), moment(message.scheduled_at)),
            *self.criteria,
            *self.asked_for_by,
        ]

    def table(self) -> Rows:
        columns = [
            Column(pgettext("call sheet", "Done"), 0.35),
            Column(gettext("School"), 0.9),
            Column(gettext("Student"), 1.1),
            Column(gettext("Recipient"), 1.1),
            Column(gettext("Language"), 0.65),
            Column(pgettext("call sheet", "Call"), 1),
            Column(gettext("Why Not Reached"), 2.4),
            Column(gettext("Note"), 1),
        ]
        return Rows(gettext("People To Call"), columns, self.rows())


def figures(people: People) -> Pairs:
    return [
        (gettext("Total Recipients"), number(people.total)),
        *((str(REACH[kind].word), number(count)) for kind, count in people.by_kind.items()),
    ]


def line(person: Any) -> tuple[str, ...]:
    """Return the cells of a person, in the order of the columns."""
    return (
        BOX,
        person.school.name if person.school else "",
        "; ".join(students_of(person)),
        person.recipient.name,
        language_name(person.language),
        numbers_to_call(person),
        " ".join(map(str, devices_of(person))),
        "",
    )


def numbers_to_call(person: Any) -> str:
    numbers = numbers_of(person)
    if numbers:
        return "; ".join(numbers)
    earlier = earlier_numbers_of(person)
    return f"{'; '.join(earlier)} {NOT_HERE}" if earlier else ""
