"""The staff of the demo district. The stand-in provider's e-mails have their usernames as senders."""

from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
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


def sign_ins() -> str:
    """Return the text that says how to sign in; "" if this is no demo district, or its password was changed."""
    admin = User.objects.filter(username=STAFF[0].username).first()
    if admin is None or not admin.check_password(PASSWORD):
        return ""
    lines = [f"  {person.username:<12} {person.group or 'no group'}: {person.may}" for person in STAFF]
    return "\n".join([f"Sign in with the password {PASSWORD} as", *lines])
