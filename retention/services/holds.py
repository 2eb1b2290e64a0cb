"""What must stay whole: holds, and the conditions under which they protect a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import hashed_search, record_audit_event
from core.dates import start_of
from core.languages import ENGLISH, in_language
from messenger_logs.models import Recipient
from retention.choices import HoldKind
from retention.models import Hold

NOBODY = Q(pk__in=())
# A hold that is set counts from then on: it waits for the batch that is under way, and the next one knows it.
_LOCK = "SELECT pg_advisory_xact_lock{shared}(hashtext('retention.holds'))"


@dataclass(frozen=True)
class Holds:
    """What the holds in force protect."""

    people: frozenset[str] = frozenset()
    students: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    messages: frozenset[int] = frozenset()
    days: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def of_people(self) -> bool:
        return bool(self.people or self.students)

    def in_days(self, field: str) -> Q:
        """The rows whose time in this field is in a held period."""
        found = NOBODY
        for begin, end in self.days:
            found |= Q(**{f"{field}__gte": begin, f"{field}__lt": end})
        return found

    def whole_messages(self, prefix: str = "") -> Q:
        """The messages that stay whole; ``prefix`` is the way to the message, such as "sent_message__"."""
        found = self.in_days(f"{prefix}created_at")
        if self.messages:
            found |= Q(**{f"{prefix}pk__in": self.messages})
        if self.senders:
            found |= Q(**{f"{prefix}sender__username__in": self.senders})
            found |= Q(**{f"{prefix}sender_name__in": self.senders})
        return found

    def rows(self) -> Q:
        """The recipients whom a hold names, or whose student it names."""
        found = NOBODY
        if self.people:
            found |= Q(person_id__in=self.people)
        if self.students:
            found |= Q(student_number__in=self.students) & ~Q(student_number="")
        return found

    def replies(self) -> Q:
        """The replies that stay: of held days, people, and families of students."""
        found = self.in_days("received_at")
        if self.of_people:
            found |= Q(person_id__in=self.families())
        return found

    def families(self) -> QuerySet[Recipient, Any]:
        """The person ids of the held people, and of those who get messages about a held student."""
        return Recipient.objects.filter(self.rows()).values("person_id")

    def people_in(self, message_id: int) -> set[str]:
        """The person ids of a message that stay whole: all rows of a person, also those for another student."""
        if not self.of_people:
            return set()
        return set(Recipient.objects.filter(self.rows(), message=message_id).values_list("person_id", flat=True))


def in_force() -> Holds:
    """Return what the holds that nobody lifted protect."""
    holds = list(Hold.objects.filter(lifted_at=None))

    def values(kind: HoldKind) -> frozenset[str]:
        return frozenset(hold.value for hold in holds if hold.kind == kind)

    return Holds(
        people=values(HoldKind.PERSON),
        students=values(HoldKind.STUDENT),
        senders=values(HoldKind.SENDER),
        messages=frozenset(int(value) for value in values(HoldKind.MESSAGE)),
        days=tuple(_days(holds)),
    )


def _days(holds: Collection[Hold]) -> Iterator[tuple[datetime, datetime]]:
    for hold in holds:
        if hold.first_day and hold.last_day:
            yield start_of(hold.first_day), start_of(hold.last_day + timedelta(days=1))


@contextmanager
def respecting_holds() -> Iterator[Holds]:
    """A transaction that knows all holds: one that is set meanwhile waits for its end."""
    with transaction.atomic():
        _take("_shared")
        yield in_force()


def _take(shared: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(shared=shared))


@transaction.atomic
def set_hold(
    *, kind: HoldKind, value: str, reason: str, by: User, first_day: date | None = None, last_day: date | None = None
) -> Hold:
    """Protect something from now on. What is gone already does not come back."""
    _take("")
    hold = Hold.objects.create(
        kind=kind,
        value=value,
        first_day=first_day,
        last_day=last_day,
        reason=reason,
        set_by=by,
        set_by_name=by.listed_name,
    )
    record_audit_event(by=by, action="retention.hold_set", target=f"Hold {hold.pk}", details=_details(hold))
    return hold


@transaction.atomic
def lift_hold(*, hold_id: int, by: User) -> bool:
    """Lift a hold. Returns False if it was lifted before. The next night takes what its period is over for."""
    lifted = Hold.objects.filter(pk=hold_id, lifted_at=None).update(lifted_at=Now(), lifted_by_name=by.listed_name)
    if lifted:
        hold = Hold.objects.get(pk=hold_id)
        record_audit_event(by=by, action="retention.hold_lifted", target=f"Hold {hold.pk}", details=_details(hold))
    return bool(lifted)


def _details(hold: Hold) -> dict[str, str]:
    """The trail outlasts the data about people, so it has a hash of whom the hold is about."""
    with in_language(ENGLISH):
        about = hashed_search(hold.value) if hold.kind in (HoldKind.PERSON, HoldKind.STUDENT) else hold.about
        return {"kind": str(hold.get_kind_display()), "about": about}
