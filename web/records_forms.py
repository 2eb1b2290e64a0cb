"""The forms of Records Requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope
from accounts.services import hashed_search
from core.text import is_storable, visible
from listings.dates import LONG, Days
from messenger_logs.models import Recipient, School
from messenger_logs.people import SHORTEST_NAME, Person, Student, find_people, find_students
from messenger_logs.querysets import RecipientQuerySet
from records.criteria import Criteria

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_FOUND = 20
NOBODY = _("Nobody was found. Check the spelling, or enter an id.")
SEVERAL = _("Several people match. Choose those of the family below.")
NO_STUDENT = _("No student has this whole name or number.")
SEVERAL_STUDENTS = _("Several students have this name. Enter the number of one: %(numbers)s.")
WHO_RECEIVES = _("Enter who receives it.")
TOO_WIDE = _("Enter a person, a student, a sender, a school, or words.")
TOO_SHORT = _("Enter %(count)s letters or more.")


class TextField(forms.CharField):
    def __init__(self, label: StrOrPromise, help_text: StrOrPromise = "") -> None:
        look = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(label=label, help_text=help_text, required=False, max_length=200, widget=look)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not is_storable(text):
            raise ValidationError(gettext("One of its characters cannot be searched for."))
        return visible(text)


class DayField(forms.DateField):
    def __init__(self, label: StrOrPromise) -> None:
        super().__init__(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class CriteriaForm(forms.Form):
    """What is wanted. All of it must fit. `scope` has the schools whose records may be asked for."""

    person = TextField(_("Person"), _("Name, person id, e-mail address or phone number"))
    people = forms.MultipleChoiceField(label=_("People"), required=False, widget=forms.CheckboxSelectMultiple)
    student = TextField(_("Student"), _("The whole name, or the number"))
    sender = TextField(_("Sender"), _("A part of the name"))
    school = forms.ModelChoiceField(School.objects.none(), label=_("School"), required=False, empty_label=_("all"))
    days = forms.ChoiceField(
        label=_("Days"),
        required=False,
        choices=[("", _("those below")), *((days.value, days.label) for days in Days if days in LONG)],
    )
    first = DayField(pgettext_lazy("days", "From"))
    last = DayField(pgettext_lazy("days", "To"))
    words = TextField(_("Words"), _("All of them, in the subject or a body"))
    # What the person saw when it was previewed.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    found: list[Person]
    students: list[Student]

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope, self.found, self.students = scope, [], []
        schools: Any = self.fields["school"]
        every = School.objects.all()
        schools.queryset = every if scope.schools is None else every.filter(pk__in=scope.schools)
        if text := visible(str(self.data.get("person", ""))):
            self._find(text)

    @property
    def recipients(self) -> RecipientQuerySet:
        rows: RecipientQuerySet = Recipient.objects.in_scope(self.scope)
        return rows

    def _find(self, text: str) -> None:
        if is_storable(text) and (len(text) >= SHORTEST_NAME or text.isdigit()):
            people = find_people(self.recipients, text, limit=MOST_FOUND)
            self.found = people.people
            self.only_one = people.only_one
        choices: Any = self.fields["people"]
        choices.choices = [(person.person_id, _words(person)) for person in self.found]

    only_one: Person | None = None

    def clean_student(self) -> str:
        text: str = self.cleaned_data["student"]
        self.students = find_students(self.recipients, text, limit=MOST_FOUND) if text else []
        if text and not self.students:
            raise ValidationError(NO_STUDENT)
        if len({student.number or student.name for student in self.students}) > 1:
            raise ValidationError(
                SEVERAL_STUDENTS % {"numbers": ", ".join(student.number for student in self.students)}
            )
        return text

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if days := data.get("days"):
            data["first"], data["last"] = Days(days).on(timezone.localdate())
        if text := data.get("person"):
            self._check_person(text)
        if not any(data.get(name) for name in ("person", "student", "sender", "school", "words")) and not self.errors:
            raise ValidationError(TOO_WIDE)
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", gettext("This day is before the first one."))
        return data

    def _check_person(self, text: str) -> None:
        if not self.found:
            long_enough = len(text) >= SHORTEST_NAME or text.isdigit()
            self.add_error("person", NOBODY if long_enough else TOO_SHORT % {"count": SHORTEST_NAME})
        elif not self.chosen:
            self.add_error("person", SEVERAL)

    @property
    def chosen(self) -> list[str]:
        """The person ids that were chosen, or the one that the text means exactly."""
        ticked = self.cleaned_data.get("people", [])
        with_this_id = [person for person in self.found if person.person_id == self.cleaned_data["person"]]
        exact = [self.only_one] if self.only_one else with_this_id
        return sorted(ticked) or [person.person_id for person in exact]

    @property
    def criteria(self) -> Criteria:
        data, student = self.cleaned_data, self.students[0] if self.students else Student("")
        return Criteria(
            people=tuple(self.chosen) if data["person"] else (),
            student_number=student.number,
            student_name="" if student.number else student.name,
            sender=data["sender"],
            school=data["school"].pk if data["school"] else None,
            first=data["first"],
            last=data["last"],
            words=data["words"],
        )

    @property
    def mark(self) -> str:
        """What stands for these criteria in `seen`."""
        return hashed_search(json.dumps(self.criteria.to_json(), sort_keys=True))

    @property
    def was_seen(self) -> bool:
        return bool(self.cleaned_data["seen"] == self.mark)


def _words(person: Person) -> str:
    known = {"name": person.name, "id": person.person_id, "students": "; ".join(map(str, person.students))}
    if person.students:
        return gettext("%(name)s, person id %(id)s, about %(students)s") % known
    return gettext("%(name)s, person id %(id)s") % known


class ReceiptForm(forms.Form):
    """Who receives a file."""

    received_by = forms.CharField(
        label=_("Who receives it"),
        max_length=200,
        help_text=_("The name, and the office or family. It is kept with the request."),
        error_messages={"required": WHO_RECEIVES},
    )

    def clean_received_by(self) -> str:
        text: str = visible(self.cleaned_data["received_by"])
        if not text or not is_storable(text):
            raise ValidationError(WHO_RECEIVES)
        return text
