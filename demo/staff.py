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
    school: str = ""
    """Where the person works; "" for the whole district."""


STAFF = [
    Person("admin", "System", "Administrator", "System Administrators", "everything"),
    Person("messenger", "Dexter", "Matthews", "Messenger Administrators", "all logs"),
    Person("principal", "Mai", "Vang", "Principals", "own messages", "Harrison Middle"),
    Person("counselor", "Fadumo", "Warsame", "Counselors", "own messages", "Harrison High"),
    Person("frontoffice", "Rosa", "Delgado", "Front Office", "own messages", "Plainview Elementary"),
    Person("newcomer", "Liên", "Nguyễn", "", "nothing yet"),
]
# They send messages, too, and nobody signs in as one of them.
COLLEAGUES = [
    Person("jwhitehorse", "James", "Whitehorse", "Principals", "own messages", "Harrison High"),
    Person("kboateng", "Kwame", "Boateng", "Principals", "own messages", "Lakeview Middle"),
    Person("ilindqvist", "Ingrid", "Lindqvist", "Front Office", "own messages", "Oak Grove Elementary"),
    Person("tpham", "Tuấn", "Phạm", "Counselors", "own messages", "Prairie Elementary"),
    Person("shernandez", "Sofía", "Hernández", "Principals", "own messages", "Riverside Elementary"),
    Person("lhaddad", "Layla", "Haddad", "Principals", "own messages", "Westside Learning Center"),
]
SENDERS = [person for person in STAFF if person.school or person.username == "admin"] + COLLEAGUES
"""The members of the staff who send messages."""


def make_staff() -> None:
    """Make the accounts of the staff, in a database without users."""
    password = make_password(PASSWORD)
    with transaction.atomic():
        for person in [*STAFF, *COLLEAGUES]:
            user = User.objects.create(
                username=person.username,
                first_name=person.first_name,
                last_name=person.last_name,
                password=password if person in STAFF else make_password(None),
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
