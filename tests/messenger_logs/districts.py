"""Small districts at random, whose rows of three schools can be told apart in plain Python."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from accounts.models import GroupScope, User
from accounts.scopes import ALL_SCHOOLS, Scope, ScopeReach
from messenger_logs.choices import Mode
from messenger_logs.models import ContactToFix, Reply, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.totals import recount_all
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

NAMES = ("North", "Oak", "South")
# What a device came to, as fields of its delivery.
RESULTS: list[dict[str, Any]] = [
    {"mode": Mode.EMAIL, "status": "sent", "email_outcome": "delivered"},
    {"mode": Mode.EMAIL, "status": "sent", "email_outcome": "failed-permanent"},
    {"mode": Mode.EMAIL, "status": "sent"},
    {"mode": Mode.VOICE, "status": "failed", "code": 3},
    {"mode": Mode.VOICE, "status": "confirmed"},
    {"mode": Mode.TEXT, "status": "opt_out"},
    {"mode": Mode.TEXT, "status": "delivered"},
    {"mode": Mode.TEXT, "status": "canceled"},
]
a_school = st.sampled_from([None, *NAMES])
a_device = st.tuples(st.sampled_from(range(len(RESULTS))), st.integers(0, 3))
a_recipient = st.tuples(st.integers(0, 3), st.integers(0, 2), a_school, st.lists(a_device, max_size=2))
a_message = st.fixed_dictionaries(
    {
        "school": a_school,
        "own": st.booleans(),
        "days": st.integers(0, 3),
        "drill": st.booleans(),
        "language": st.sampled_from(["", "es"]),
        "recipients": st.lists(a_recipient, max_size=4),
    }
)
districts = st.lists(a_message, min_size=1, max_size=4)
scopes = st.none() | st.frozensets(st.sampled_from(NAMES))


def make_district(drawn: list[dict[str, Any]], sender: User) -> list[SentMessage]:
    """Store the messages that were drawn, with all that follows from them, in place of those of another example."""
    for model in (Reply, ContactToFix, SentMessage):
        model.objects.all().delete()
    messages = [_make(number, fields, sender) for number, fields in enumerate(drawn)]
    recount_all(message_ids=[message.pk for message in messages])
    note_contacts(deliveries=[row.pk for message in messages for row in message.deliveries.all()])
    derive_contacts()
    return messages


def _make(number: int, drawn: dict[str, Any], sender: User) -> SentMessage:
    message = make_message(
        school=make_school(drawn["school"]) if drawn["school"] else None,
        sender=sender if drawn["own"] else None,
        created_at=timezone.now() - timedelta(days=drawn["days"], minutes=number),
        drill=drawn["drill"],
        modes=[Mode.EMAIL, Mode.VOICE, Mode.TEXT],
    )
    for (person, student), (school, devices) in {one[:2]: one[2:] for one in drawn["recipients"]}.items():
        recipient = make_recipient(
            message,
            person_id=f"person{person}",
            name=f"Parent {person}",
            student_name=f"Student {student}",
            student_school=make_school(school) if school else None,
            language=drawn["language"],
        )
        for (mode, place), result in {(RESULTS[one]["mode"], place): RESULTS[one] for one, place in devices}.items():
            make_delivery(recipient, address=address_of(mode, place), **result)
    return message


def address_of(mode: Mode, place: int) -> str:
    """One of few addresses and numbers, so that families and schools share some."""
    return f"family{place}@example.com" if mode is Mode.EMAIL else f"+1612555010{place}"


def scope_of(names: frozenset[str] | None) -> Scope:
    return ALL_SCHOOLS if names is None else Scope.of([make_school(name).pk for name in names])


def hold_for(user: User, names: frozenset[str] | None) -> User:
    """Let the user's groups hold their rights for these schools alone. Returns the user as a new request has it."""
    for group in user.groups.all():
        GroupScope.objects.filter(group=group).delete()
        if names is not None:
            scope = GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN)
            scope.schools.set([make_school(name) for name in names])
    return User.objects.get(pk=user.pk)


def school_of(row: Any) -> int | None:
    """The school of a recipient: that of the student, else of the message. The rule once more, from its two sources."""
    return row.student_school_id or row.message.school_id


def seen(school: int | None, scope: Scope) -> bool:
    return scope.schools is None or school in scope.schools
