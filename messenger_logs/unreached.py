"""The people of a message whom it reached or not: their students, their devices, and why, in plain words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import JSONObject

from accounts.scopes import ALL_SCHOOLS, Scope
from messenger_logs.choices import PHONE, UNREACHED, Mode
from messenger_logs.failure_reasons import why_not_reached
from messenger_logs.models import Delivery, PersonReach, Recipient
from messenger_logs.status_labels import delivery_status, device_text

# What `why_not_reached` and `device_text` read.
_DEVICE = (
    "mode",
    "address",
    "given_address",
    "status",
    "detail",
    "outcome",
    "code",
    "email_outcome",
    "duplicate",
)
_IN_ORDER = Case(*(When(mode=mode, then=Value(place)) for place, mode in enumerate(Mode)), default=Value(len(Mode)))
# So many numbers of earlier messages are offered for a person.
_MOST_NUMBERS = 3


class Device(NamedTuple):
    mode: Mode
    device: str
    """The address or number as people read it; "" where there is none."""
    why: str

    def __str__(self) -> str:
        named = " ".join(filter(None, [str(self.mode.label), "" if self.mode is Mode.INBOX else self.device]))
        return f"{named}: {self.why}"


def people_with(kinds: Collection[str] = UNREACHED, *, mode: str = "") -> QuerySet[PersonReach]:
    """Return the people of all messages whom any device, or one mode, reached or not: `kinds` are those of Reach."""
    return PersonReach.objects.filter(**{f"{mode or 'reach'}__in": list(kinds)})


def with_details(people: QuerySet[PersonReach], scope: Scope = ALL_SCHOOLS) -> QuerySet[PersonReach]:
    """Add what `students_of` and `devices_of` read. PostgreSQL looks it up for the rows that are read alone.

    A person in the message for several students has all of them who are of these schools.
    """
    same_person = {"message": OuterRef("message"), "person_id": OuterRef("recipient__person_id")}
    students = Recipient.objects.in_scope(scope).filter(**same_person).order_by("-counted", "pk")
    of_person = Delivery.objects.in_scope(scope)
    devices = of_person.filter(**{f"recipient__{name}": value for name, value in same_person.items()})
    names = students.annotate(json=JSONObject(name="student_name", number="student_number"))
    in_order = devices.order_by(_IN_ORDER, "duplicate", "pk").annotate(json=JSONObject(**{one: one for one in _DEVICE}))
    return people.select_related("recipient", "school").annotate(
        students=ArraySubquery(names.values("json")), devices=ArraySubquery(in_order.values("json"))
    )


def students_of(person: Any) -> list[str]:
    """Return the students of a person of `with_details`, each as "Vang, Mai (4711)"."""
    texts = (student_text(student["name"], student["number"]) for student in person.students)
    return list(dict.fromkeys(filter(None, texts)))


def student_text(name: str, number: str) -> str:
    return " ".join(filter(None, [name, f"({number})" if number else ""]))


def devices_of(person: Any) -> list[Device]:
    """Return the devices of a person of `with_details`, each once, and what happened to each."""
    return list(_devices(person))


def _devices(person: Any) -> Iterator[Device]:
    seen = set()
    for fields in person.devices:
        delivery = Delivery(**fields)
        key = delivery.mode, delivery.address
        if key not in seen:
            seen.add(key)
            text = device_text(delivery.mode, delivery.address, delivery.given_address)
            yield Device(Mode(delivery.mode), text, what_happened(delivery))


def what_happened(delivery: Delivery) -> str:
    """Return why a device was not reached; of one that was, or may still be, what its status means."""
    return why_not_reached(delivery) or str(delivery_status(delivery.status, delivery.outcome).meaning)


def numbers_of(person: Any) -> list[str]:
    """Return the numbers of the message itself by which a person of `with_details` may be called."""
    return list(dict.fromkeys(one.device for one in devices_of(person) if one.mode in PHONE and one.device))


def with_earlier_numbers(people: QuerySet[PersonReach], seen: QuerySet[Delivery]) -> QuerySet[PersonReach]:
    """Add what `earlier_numbers_of` reads: the numbers that `seen`, the newest message first, had for the person."""
    of_person = seen.filter(recipient__person_id=OuterRef("recipient__person_id"), mode__in=sorted(PHONE))
    newest = (
        of_person.exclude(address="")
        .order_by("-message", _IN_ORDER, "pk")
        .annotate(json=JSONObject(mode="mode", address="address", given_address="given_address"))
    )
    return people.annotate(earlier_numbers=ArraySubquery(newest.values("json")[:_MOST_NUMBERS]))


def earlier_numbers_of(person: Any) -> list[str]:
    """Return the numbers of earlier messages to a person of `with_earlier_numbers`."""
    texts = (device_text(one["mode"], one["address"], one["given_address"]) for one in person.earlier_numbers)
    return list(dict.fromkeys(texts))


def with_student(people: QuerySet[PersonReach], scope: Scope, condition: Q) -> QuerySet[PersonReach]:
    """The people of whom one student in the message is of these schools and meets a condition on recipients."""
    students = Recipient.objects.in_scope(scope).filter(condition)
    same_person = {"message": OuterRef("message"), "person_id": OuterRef("recipient__person_id")}
    return people.filter(Exists(students.filter(**same_person)))


def same_person_in(message_id: int, kinds: Collection[str], scope: Scope = ALL_SCHOOLS) -> Exists:
    """The condition that another message reached the person at these schools, or not: `kinds` are those of Reach."""
    there = PersonReach.objects.in_scope(scope).filter(message=message_id, reach__in=list(kinds))
    return Exists(there.filter(recipient__person_id=OuterRef("recipient__person_id")))
