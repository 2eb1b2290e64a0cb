"""What a roster says of one organization, term or person, as rows that COPY reads.

CSV and REST name the fields alike; both come here as texts by the names of the CSV binding. Sources of all names and
values: the CSV and REST bindings of OneRoster 1.1 and 1.2, https://www.imsglobal.org/spec/oneroster/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_noop

from core.text import REPLACEMENT, storable, visible
from roster.models import SOURCED_ID

Fields = Mapping[str, str]

STUDENT = "student"
SCHOOL = "school"
_PRESENT, _GONE = {"", "active"}, {"tobedeleted", "inactive"}
_FALSE = {"false", "0", "no"}
_valid_username = UnicodeUsernameValidator()


class BadRow(Exception):
    """A row is left. The message says why, without a subject: "has no name"."""


class Org(NamedTuple):
    sourced_id: str
    gone: bool
    name: str = ""
    kind: str = ""
    parent: str = ""


class Term(NamedTuple):
    sourced_id: str
    gone: bool
    title: str = ""
    kind: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    school_year: str = ""


class Person(NamedTuple):
    sourced_id: str
    gone: bool
    enabled: bool = False
    username: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    number: str = ""
    primary_org: str = ""


class PersonRole(NamedTuple):
    """A role of a person in an organization. ``rank`` orders the roles of a person: 0 is the first one."""

    person: str
    role: str
    org: str
    rank: int


Note = Callable[[str], None]


def org_of(fields: Fields, note: Note) -> Org:
    """Read an organization. Raises BadRow."""
    sourced_id, gone = _identity(fields)
    if gone:
        return Org(sourced_id, gone)
    name = _required(fields, "name", 200)
    kind = _required(fields, "type", 64)
    return Org(sourced_id, gone, name, SCHOOL if kind.lower() == SCHOOL else kind, text_of(fields, "parentSourcedId"))


def term_of(fields: Fields, note: Note) -> Term:
    """Read an academic session. Raises BadRow."""
    sourced_id, gone = _identity(fields)
    if gone:
        return Term(sourced_id, gone)
    starts_on, ends_on = _day(fields, "startDate"), _day(fields, "endDate")
    if starts_on is None or ends_on is None or ends_on < starts_on:
        raise BadRow(gettext_noop("has no startDate and endDate in this order, as in 2026-08-20"))
    title, kind, year = _required(fields, "title", 200), _required(fields, "type", 64), text_of(fields, "schoolYear")
    return Term(sourced_id, gone, title, kind, starts_on, ends_on, year[:20])


def person_of(fields: Fields, note: Note) -> Person:
    """Read a user. Raises BadRow; what can be left out of a person is told to ``note``."""
    sourced_id, gone = _identity(fields)
    if gone:
        return Person(sourced_id, gone)
    email = _email(fields, note)
    username = text_of(fields, "username") or email
    number = text_of(fields, settings.ROSTER_STUDENT_NUMBER)
    return Person(
        sourced_id,
        gone,
        enabled=text_of(fields, "enabledUser").lower() not in _FALSE,
        username=_username(username, email, sourced_id),
        email=email,
        first_name=(text_of(fields, "preferredGivenName") or text_of(fields, "givenName"))[:150],
        last_name=(text_of(fields, "preferredFamilyName") or text_of(fields, "familyName"))[:150],
        number=number if len(number) <= 64 else "",
        primary_org=text_of(fields, "primaryOrgSourcedId"),
    )


def roles_in_row(fields: Fields) -> Iterator[PersonRole]:
    """Yield the roles that a user of version 1.1 has: one role, in a list of organizations."""
    person, role = text_of(fields, "sourcedId"), text_of(fields, "role").lower()
    orgs = [storable(one.strip()) for one in fields.get("orgSourcedIds", "").split(",")]
    if role:
        yield from (PersonRole(person, role, org, rank) for rank, org in enumerate(dict.fromkeys(orgs)))


def role_of(fields: Fields, rank: int) -> PersonRole | None:
    """Read a role of version 1.2; None if it has ended, has not begun, or is gone. Raises BadRow."""
    person, role = _required(fields, "userSourcedId", SOURCED_ID), _required(fields, "role", 255).lower()
    begins, ends, today = _day(fields, "beginDate"), _day(fields, "endDate"), timezone.localdate()
    if _gone(fields) or (begins and begins > today) or (ends and ends < today):
        return None
    first = text_of(fields, "roleType").lower() == "primary"
    return PersonRole(person, role, text_of(fields, "orgSourcedId"), 0 if first else rank + 1)


def text_of(fields: Fields, name: str) -> str:
    """Return a field without invisible characters and outer blanks. Raises BadRow if it was not UTF-8."""
    text = fields.get(name, "")
    if text.isascii() and text.isprintable():
        return text.strip()
    if REPLACEMENT in text:
        raise BadRow(f"is not UTF-8 in {name}")
    return visible(storable(text))


def _identity(fields: Fields) -> tuple[str, bool]:
    return _required(fields, "sourcedId", SOURCED_ID), _gone(fields)


def _gone(fields: Fields) -> bool:
    """Whether it is a tombstone. Version 1.0 called it inactive."""
    status = text_of(fields, "status").lower()
    if status not in _PRESENT | _GONE:
        raise BadRow(gettext_noop("has a status that is neither active nor tobedeleted"))
    return status in _GONE


def _required(fields: Fields, name: str, most: int) -> str:
    text = text_of(fields, name)
    if not text:
        raise BadRow(f"has no {name}")
    if len(text) > most:
        raise BadRow(f"has a {name} of more than {most} characters")
    return text


def _day(fields: Fields, name: str) -> date | None:
    """Read a day. Some systems add the time."""
    text = text_of(fields, name)[:10]
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise BadRow(f"has a {name} that is no day as in 2026-08-20")
    return day


def _email(fields: Fields, note: Note) -> str:
    email = text_of(fields, "email").lower()
    if not email:
        return ""
    try:
        if len(email) > 254:
            raise ValidationError("too long")
        validate_email(email)
    except ValidationError:
        note(gettext_noop("has an e-mail address that is none; the person is taken without it"))
        return ""
    return email


def _username(username: str, email: str, sourced_id: str) -> str:
    """Return the first of these with which one can sign in here. It is needed only by staff, so it may be "" ."""
    return next((name for name in (username, email, sourced_id) if name and _can_sign_in(name)), "")


def _can_sign_in(name: str) -> bool:
    try:
        _valid_username(name)
    except ValidationError:
        return False
    return len(name) <= 150


def copy_cells(row: tuple[Any, ...]) -> list[Any]:
    r"""Return the cells of a row as COPY reads them, with \N for NULL."""
    return [r"\N" if cell is None else cell for cell in row]
