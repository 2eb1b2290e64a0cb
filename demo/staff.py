"""The staff of the demo district. The stand-in provider's e-mails have their usernames as senders."""

from typing import NamedTuple

from django.contrib.auth.hashers import make_password
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
    for user in User.objects.filter(username__in=[person.username for person in STAFF]):
        if user.check_password(PASSWORD):
            user.set_password(own)
            user.save()


def sign_ins(own: str = "") -> str:
    """Return the text that says how to sign in; "" if this is no demo district, or it has a third password.

    `own` is the password that the person who runs it chose.
    """
    admin = User.objects.filter(username=STAFF[0].username).first()
    if admin and admin.check_password(PASSWORD):
        how = f"Sign in with the password {PASSWORD} as"
    elif admin and own and admin.check_password(own):
        how = "Sign in with your DEMO_PASSWORD as"
    else:
        return ""
    return "\n".join(
        [how, *(f"  {person.username:<12} {person.group or 'no group'}: {person.may}" for person in STAFF)]
    )
