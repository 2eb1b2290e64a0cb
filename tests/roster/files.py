"""A small district as OneRoster gives it: as CSV files in a zip, and as objects of the REST API."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Rows = list[dict[str, str]]

ORGS: Rows = [
    {"sourcedId": "d", "name": "Harrison Schools", "type": "district"},
    {"sourcedId": "high", "name": "Harrison High", "type": "school", "parentSourcedId": "d"},
    {"sourcedId": "oak", "name": "Oak Elementary", "type": "school", "parentSourcedId": "d"},
]
TERMS: Rows = [
    {
        "sourcedId": "y27",
        "title": "2026-27",
        "type": "schoolYear",
        "startDate": "2026-08-20",
        "endDate": "2027-06-04",
        "schoolYear": "2027",
    }
]


def person(sourced_id: str, role: str, orgs: str, **fields: str) -> dict[str, str]:
    """A user as users.csv of version 1.1 has one; the e-mail address and the number follow from the id."""
    usual = {
        "sourcedId": sourced_id,
        "enabledUser": "true",
        "username": sourced_id,
        "givenName": sourced_id.title(),
        "familyName": "Vang",
        "email": f"{sourced_id}@harrison.example",
        "identifier": f"n-{sourced_id}",
        "role": role,
        "orgSourcedIds": orgs,
    }
    return usual | fields


def people() -> Rows:
    return [
        person("pam", "administrator", "d,high"),
        person("sue", "administrator", "d"),
        person("tom", "teacher", "oak"),
        person("lia", "student", "high,oak"),
        person("bao", "student", "oak"),
        person("mom", "guardian", "oak"),
    ]


def csv_text(rows: Iterable[Mapping[str, str]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def manifest(version: str = "1.1", **modes: str) -> str:
    lines = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version)]
    lines += [(f"file.{name}", mode) for name, mode in modes.items()]
    return "".join(f"{name},{value}\r\n" for name, value in lines)


def write_zip(path: Path, files: Mapping[str, str | bytes | Rows]) -> Path:
    """Write a zip; a file may be rows."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, csv_text(content) if isinstance(content, list) else content)
    return path


def district(users: Rows | None = None, **more: str | bytes | Rows) -> dict[str, str | bytes | Rows]:
    """The files of the district in version 1.1; further ones, and others in their place, by name without .csv."""
    files: dict[str, str | bytes | Rows] = {
        "manifest": manifest(),
        "orgs": ORGS,
        "academicSessions": TERMS,
        "users": people() if users is None else users,
    }
    return {f"{name}.csv": content for name, content in (files | more).items()}


def reference(sourced_id: str, kind: str) -> dict[str, str]:
    return {"href": f"https://sis.example/{kind}s/{sourced_id}", "sourcedId": sourced_id, "type": kind}


def rest_orgs() -> list[dict[str, Any]]:
    return [
        {"sourcedId": row["sourcedId"], "status": "active", "name": row["name"], "type": row["type"]}
        | ({"parent": reference(row["parentSourcedId"], "org")} if "parentSourcedId" in row else {})
        for row in ORGS
    ]


def rest_user(row: Mapping[str, str], version: str) -> dict[str, Any]:
    """A user of the CSV as the REST API of a version has it."""
    user: dict[str, Any] = {name: value for name, value in row.items() if name not in ("role", "orgSourcedIds")}
    user |= {"status": "active", "enabledUser": row["enabledUser"] == "true"}
    orgs = row["orgSourcedIds"].split(",")
    if version == "1.1":
        return user | {"role": row["role"], "orgs": [reference(org, "org") for org in orgs]}
    roles = [{"roleType": "secondary", "role": row["role"], "org": reference(org, "org")} for org in orgs]
    return user | {"roles": roles, "primaryOrg": reference(orgs[0], "org")}
