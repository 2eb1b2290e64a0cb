"""What a request for records wants: whose records, of which messages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db.models import Exists, Func, OuterRef, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext as _

from accounts.scopes import Scope
from core.dates import start_of, written
from messenger_logs.choices import Mode
from messenger_logs.models import Recipient, School, SentMessage
from messenger_logs.querysets import RecipientQuerySet, SentMessageQuerySet
from messenger_logs.search import NormalizedText


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """All of it must fit. Names are in the records of the people and students alone: see masking.py.

    `people` are person ids. A student is named by the number or, where none is known, by the name.
    """

    people: tuple[str, ...] = ()
    student_number: str = ""
    student_name: str = ""
    sender: str = ""
    school: int | None = None
    first: date | None = None
    last: date | None = None
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what was chosen as JSON can hold it."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        written = {name: value.isoformat() if isinstance(value, date) else value for name, value in chosen.items()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in written.items() if value}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        days = {name: date.fromisoformat(stored[name]) for name in ("first", "last") if name in stored}
        return cls(**(stored | days | {"people": tuple(stored.get("people", ()))}))

    @property
    def names_family(self) -> bool:
        return bool(self.people or self.student_number or self.student_name)

    def family(self, scope: Scope) -> RecipientQuerySet:
        """The rows of the people and students that are named; none if nobody is."""
        rows: RecipientQuerySet = Recipient.objects.in_scope(scope)
        if not self.names_family:
            return rows.none()
        if self.people:
            rows = rows.filter(person_id__in=self.people)
        if self.student_number:
            return rows.filter(student_number=self.student_number)
        plain = NormalizedText(Value(self.student_name))
        return rows.filter(plain_student_name=plain, student_number="") if self.student_name else rows

    def messages(self, scope: Scope) -> SentMessageQuerySet:
        """The messages that are wanted, the oldest first."""
        found: SentMessageQuerySet = SentMessage.objects.listed().in_scope(scope).filter(self._condition)
        if self.names_family:
            found = found.filter(Exists(self.family(scope).filter(message=OuterRef("pk"))))
        if self.words:
            found = _with_words(found, self.words)
        return found.order_by("created_at", "pk")

    @property
    def _condition(self) -> Q:
        condition = Q()
        if self.sender:
            condition &= Q(sender_name__icontains=self.sender)
        if self.school:
            condition &= Q(school=self.school) | Q(calendar_schools__contains=[self.school])
        return condition & Q(**self.between("created_at"))

    def between(self, column: str) -> dict[str, datetime]:
        """The conditions on a time that it is within the period."""
        bounds = {}
        if self.first:
            bounds[f"{column}__gte"] = start_of(self.first)
        if self.last:
            bounds[f"{column}__lt"] = start_of(self.last + timedelta(days=1))
        return bounds

    def pairs(self, scope: Scope) -> list[tuple[str, str]]:
        """Return what is wanted as labels and values, with the names of the people as the newest message has them."""
        family = self.family(scope).order_by("pk").values_list("person_id", "name", "student_number", "student_name")
        rows = list(family)
        people = {row[0]: f"{row[1]} ({row[0]})" for row in rows if row[0] in self.people}
        students = {row[2]: f"{row[3]} ({row[2]})" for row in rows if row[2] == self.student_number}
        school = School.objects.filter(pk=self.school).values_list("name", flat=True).first() if self.school else ""
        pairs = [
            (_("Person"), "; ".join(people.get(person, person) for person in self.people)),
            (_("Student"), students.get(self.student_number, self.student_number) or self.student_name),
            (_("Sender"), self.sender),
            (_("School"), school or ""),
            (_("Period"), self._period),
            (_("Words"), self.words),
        ]
        return [(label, value) for label, value in pairs if value]

    @property
    def _period(self) -> str:
        first, last = (written(day) if day else "" for day in (self.first, self.last))
        days = {"first": first, "last": last}
        if first and last:
            return _("%(first)s to %(last)s") % days
        return _("from %(first)s") % days if first else _("until %(last)s") % days if last else ""


def _with_words(messages: SentMessageQuerySet, words: str) -> SentMessageQuerySet:
    """The messages that have each word in the subject or in a body, in any case and with or without accents."""
    bodies = [KeyTextTransform(mode.value, "bodies") for mode in Mode]
    # It leaves out the modes that a message does not have.
    text = Func(Value(" "), "subject", *bodies, function="concat_ws", output_field=TextField())
    found = messages.alias(text=NormalizedText(text))
    for word in words.split():
        found = found.filter(text__contains=NormalizedText(Value(word)))
    return found
