"""Read a roster from the REST API (OneRoster 1.1 and 1.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from providers.http import NotSetUpError
from providers.oneroster import OneRoster, RosterChanged, RosterError
from roster.reading import ChangedMeanwhile, Part, Reading, Unreadable

COLLECTIONS = {Part.ORGS: "orgs", Part.TERMS: "academicSessions", Part.PEOPLE: "users"}
# The fields that CSV has under another name, as the id that they refer to.
_REFERENCES = {"parent": "parentSourcedId", "primaryOrg": "primaryOrgSourcedId"}


def read_rest(reading: Reading) -> None:
    """Read all organizations, terms and users. Raises Unreadable."""
    try:
        server = OneRoster.of_settings()
        for part, name in COLLECTIONS.items():
            _read(server, part, name, reading)
    except RosterChanged as reason:
        raise ChangedMeanwhile(str(reason)) from reason
    except (NotSetUpError, RosterError) as reason:
        raise Unreadable(str(reason)) from reason
    reading.complete = {*COLLECTIONS, Part.ROLES}
    reading.label = f"OneRoster {settings.ROSTER_VERSION}, REST"


def _read(server: OneRoster, part: Part, name: str, reading: Reading) -> None:
    number = 0
    for items in server.collection(name, filter=settings.ROSTER_USER_FILTER if part is Part.PEOPLE else ""):
        before = number
        for number, item in enumerate(items, before + 1):
            where = f"{name}, number {number:,}"
            if isinstance(item, dict):
                reading.take(part, where, flat(item), _roles(item) if part is Part.PEOPLE else None)
            else:
                reading.note(where, "is no JSON object")


def flat(item: Mapping[str, Any]) -> dict[str, str]:
    """Return an object of the REST API as the texts that CSV has."""
    fields = {name: _text(value) for name, value in item.items() if not isinstance(value, dict | list)}
    fields |= {name: _id(item[other]) for other, name in _REFERENCES.items() if other in item}
    if isinstance(orgs := item.get("orgs"), list):
        fields["orgSourcedIds"] = ",".join(map(_id, orgs))
    return fields


def _roles(user: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """Return the roles of a user of version 1.2; None in version 1.1, where a user has one role and a list of orgs."""
    if settings.ROSTER_VERSION == "1.1":
        return None
    return list(_each_role(user.get("roles")))


def _each_role(roles: Any) -> Iterator[dict[str, str]]:
    for role in roles if isinstance(roles, list) else ():
        if isinstance(role, dict):
            yield flat(role) | {"orgSourcedId": _id(role.get("org"))}


def _id(reference: Any) -> str:
    """Return the sourcedId that a reference names. Some servers give it alone."""
    return _text(reference.get("sourcedId")) if isinstance(reference, dict) else _text(reference)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
