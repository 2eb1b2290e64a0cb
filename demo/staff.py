"""The staff of the demo district. The stand-in provider's e-mails have their usernames as senders."""

from typing import NamedTuple

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts.models import User

PASSWORD = "harrison-demo-district"  # noqa: S105  (printed at each start of the demo)


class Person(NamedTuple):
    username: str
    first_name: str
    last_name: str
    group: str
    may: str


STAFF = [
    Person("admin", "System", "Administrator", "System Administrators", "everything"),
    Person("messenger", "Dexter", "Matthews", "Messenger Administrators", "all logs"),
    Person("principal", "Mai", "Vang", "Principals", "own messages"),
    Person("counselor", "Fadumo", "Warsame", "Counselors", "own messages"),
    Person("frontoffice", "Rosa", "Delgado", "Front Office", "own messages"),
    Person("newcomer", "Liên", "Nguyễn", "", "nothing yet"),
]


def make_staff() -> None:
    """Make the accounts of the staff, in a database without users."""
    password = make_password(PASSWORD)
    with transaction.atomic():
        for person in STAFF:
            user = User.objects.create(
                username=person.username,
                first_name=person.first_name,
                last_name=person.last_name,
                password=password,
                is_staff=person.username == "admin",
                is_superuser=person.username == "admin",
            )
            if person.group:
                user.groups.add(Group.objects.get(name=person.group))


def replace_published_password(own: str) -> None:
    """Give the staff another password, where it still has the one above. Raises ValidationError if it is too weak."""
    validate_password(own)
    usernames = [person.username for person in _who_has(PASSWORD)]
    User.objects.filter(username__in=usernames).update(password=make_password(own))


def sign_ins(own: str = "") -> str:
    """Return the text that says how to sign in, with the published password first, if a single account has it.

    `own` is the password that the person who runs it chose. The text is "" if this is no demo district, or if its whole
    staff has other passwords.
    """
    ways = [(f"the password {PASSWORD}", _who_has(PASSWORD)), ("your DEMO_PASSWORD", _who_has(own) if own else [])]
    return "\n".join(line for how, people in ways if people for line in (f"Sign in with {how} as", *map(_line, people)))


def _line(person: Person) -> str:
    return f"  {person.username:<12} {person.group or 'no group'}: {person.may}"


def _who_has(password: str) -> list[Person]:
    """Return those of the staff who have this password. Many share a hash, and one check of a hash takes long."""
    users = User.objects.filter(username__in=[person.username for person in STAFF])
    hashes = dict(users.values_list("username", "password"))
    fitting = {encoded for encoded in {*hashes.values()} if check_password(password, encoded)}
    return [person for person in STAFF if hashes.get(person.username) in fitting]
