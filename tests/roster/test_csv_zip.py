"""Reading a zip of CSV files: whatever is in it, a good row comes in, a bad one is told, and nothing runs wild."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from roster.csv_zip import _COLUMNS, read_zip
from roster.reading import Part, Reading, Unreadable
from roster.rows import Person
from tests.roster.files import ORGS, TERMS, Rows, csv_text, district, manifest, people, person, write_zip

READ = {
    Part.ORGS: "d high oak",
    Part.TERMS: "y27",
    Part.PEOPLE: "pam sue tom lia bao mom",
}


def read(path: Path, files: Any) -> tuple[dict[Part, list[str]], Reading]:
    """The first cells of the rows of each part, and the reading."""
    with Reading.open() as reading:
        read_zip(write_zip(path / "roster.zip", files), reading)
        rows = {part: [line.split(",")[0] for line in reading.file_of(part).read().splitlines()] for part in Part}
        return rows, reading


def refusal(path: Path, files: Any) -> str:
    with pytest.raises(Unreadable) as refused:
        read(path, files)
    return str(refused.value)


def told(reading: Reading) -> list[str]:
    return [f"{where} {what}" for where, what in reading.problems]


def in_version_12() -> dict[str, Any]:
    """The district in version 1.2: the roles have a file of their own."""
    users = [{key: value for key, value in row.items() if key not in ("role", "orgSourcedIds")} for row in people()]
    roles = [
        {"sourcedId": f"{row['sourcedId']}-{org}", "userSourcedId": row["sourcedId"], "roleType": "primary"}
        | {"role": row["role"], "orgSourcedId": org, "beginDate": "", "endDate": ""}
        for row in people()
        for org in row["orgSourcedIds"].split(",")
    ]
    return district(users, manifest=manifest("1.2"), roles=roles)


def test_both_versions_say_the_same(tmp_path):
    one, reading = read(tmp_path, district())
    two, reading_12 = read(tmp_path, in_version_12())
    assert one == two
    assert {part: " ".join(one[part]) for part in READ} == READ
    assert (reading.label, reading_12.label) == ("OneRoster 1.1, CSV", "OneRoster 1.2, CSV")
    assert reading.problems == reading_12.problems == []
    assert reading.complete == {Part.ORGS, Part.TERMS, Part.PEOPLE}
    assert reading_12.complete == {*reading.complete, Part.ROLES}


def bom_and_lf(files: Any) -> Any:
    return {
        name: "\ufeff" + (content if isinstance(content, str) else csv_text(content)).replace("\r\n", "\n")
        for name, content in files.items()
    }


def in_a_folder(files: Any) -> Any:
    return {f"Export 2026/{name.upper()}": content for name, content in files.items()} | {"__MACOSX/users.csv": b"\0"}


def with_other_columns(files: Any) -> Any:
    users = [{"metadata.shoe": "9", **row, "SOURCEDID": row["sourcedId"]} for row in people()]
    for row in users:
        del row["sourcedId"]
    return files | {"users.csv": users, "enrollments.csv": b"\xff\xff", "readme.txt": b"hello"}


def with_blank_lines(files: Any) -> Any:
    return files | {"users.csv": csv_text(people()).replace("\r\n", "\r\n\r\n") + "\r\n,,,\r\n"}


@pytest.mark.parametrize("form", [bom_and_lf, in_a_folder, with_other_columns, with_blank_lines])
def test_forms_in_which_systems_write_it(tmp_path, form):
    rows, reading = read(tmp_path, form(district()))
    assert {part: " ".join(rows[part]) for part in READ} == READ
    assert reading.problems == []


BAD_ROWS = [
    ({"sourcedId": ""}, "has no sourcedId"),
    ({"sourcedId": "x" * 256}, "has a sourcedId of more than 255 characters"),
    ({"sourcedId": "x", "status": "maybe"}, "has a status that is neither active nor tobedeleted"),
    ({"sourcedId": "tom"}, "has the sourcedId of an earlier row, and is left"),
    ({"sourcedId": "x", "familyName": "V\ufffdng"}, "is not UTF-8 in familyName"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD_ROWS)
def test_a_bad_row_is_told_and_stops_no_other(tmp_path, fields, reason):
    users = [*people()[:3], person("x", "teacher", "oak") | fields, *people()[3:]]
    rows, reading = read(tmp_path, district(users))
    assert " ".join(rows[Part.PEOPLE]) == READ[Part.PEOPLE]
    assert told(reading) == [f"users.csv, row 5 {reason}"]


@pytest.mark.parametrize(
    ("part", "row", "reason"),
    [
        ("orgs", {"sourcedId": "x", "name": "", "type": "school"}, "has no name"),
        ("orgs", {"sourcedId": "x", "name": "Oak Elementary", "type": "School"}, "has the name of another school"),
        ("academicSessions", {**TERMS[0], "sourcedId": "x", "endDate": "soon"}, "has a endDate that is no day"),
        ("academicSessions", {**TERMS[0], "sourcedId": "x", "endDate": "2026-02-30"}, "has a endDate that is no day"),
        ("academicSessions", {**TERMS[0], "sourcedId": "x", "endDate": "2020-01-01"}, "has no startDate and endDate"),
    ],
)
def test_bad_organizations_and_terms(tmp_path, part, row, reason):
    good: Rows = {"orgs": ORGS, "academicSessions": TERMS}[part]
    rows, reading = read(tmp_path, district(**{part: [*good, row]}))
    assert len(reading.problems) == 1
    assert reason in reading.problems[0][1]
    assert rows[Part.BAD] == [{"orgs": "orgs", "academicSessions": "terms"}[part]], "so that nothing leaves for it"


def test_a_bad_address_or_username_costs_not_the_person(tmp_path):
    users = [person("pam", "administrator", "high", email="pam at harrison", username="a b")]
    with Reading.open() as reading:
        read_zip(write_zip(tmp_path / "roster.zip", district(users)), reading)
        line = reading.file_of(Part.PEOPLE).read().strip()
    assert line == "pam,False,True,pam,,Pam,Vang,n-pam,"
    assert told(reading) == ["users.csv, row 2 has an e-mail address that is none; the person is taken without it"]


def test_roles_that_have_ended_or_not_begun_do_not_count(tmp_path):
    files = in_version_12()
    for row in files["roles.csv"]:
        row |= {"pam": {"endDate": "2020-06-30"}, "sue": {"beginDate": "2120-08-01"}}.get(row["userSourcedId"], {})
    files["roles.csv"].append({"userSourcedId": "tom", "role": "", "orgSourcedId": "oak"})
    rows, reading = read(tmp_path, files)
    assert rows[Part.ROLES] == ["tom", "lia", "lia", "bao", "mom"]
    assert told(reading) == ["roles.csv, row 10 has a role that has no role"]


def without_column(name: str) -> Any:
    return [{key: value for key, value in row.items() if key != name} for row in people()]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"readme.txt": "hello"}, "The zip has no roster"),
        ({"manifest.csv": manifest(users="bulk"), "orgs.csv": ORGS}, "users.csv is missing, but manifest.csv names it"),
        ({"users.csv": people(), "b/users.csv": people()}, "The zip has users.csv twice."),
        ({"users.csv": without_column("sourcedId")}, "users.csv has no column sourcedId."),
        ({"users.csv": without_column("role")}, "users.csv has no column role."),
        ({"users.csv": b""}, "users.csv has no column sourcedId, givenName"),
        (district(manifest=manifest(orgs="some")), "manifest.csv says neither bulk, delta nor absent of orgs.csv."),
        (in_version_12() | {"manifest.csv": manifest("1.2", roles="delta")}, "are read only in bulk"),
        (in_version_12() | {"manifest.csv": manifest("1.2", users="delta")}, "are read only in bulk"),
    ],
)
def test_what_cannot_be_a_roster_is_refused_whole(tmp_path, files, reason):
    assert reason in refusal(tmp_path, files)


def test_without_a_manifest_each_file_is_complete_and_the_run_says_so(tmp_path):
    _, reading = read(tmp_path, {"users.csv": people()})
    assert reading.complete == {Part.PEOPLE}
    assert told(reading) == ["manifest.csv is missing; each file is taken as complete"]


def test_a_bomb_is_not_unpacked(tmp_path, settings: Settings):
    settings.ROSTER_UNPACKED_MEGABYTES = 1
    bomb = csv_text(people()) + "x" * 2**21
    assert refusal(tmp_path, {"users.csv": bomb}) == "Unpacked, the zip has more than 1 MB."
    assert (tmp_path / "roster.zip").stat().st_size < 20_000


def test_a_size_that_the_zip_makes_up_is_not_believed(tmp_path, settings: Settings):
    settings.ROSTER_UNPACKED_MEGABYTES = 1
    path = write_zip(tmp_path / "roster.zip", {"users.csv": csv_text(people()) + "x" * 2**21})
    size = (len(csv_text(people())) + 2**21).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with Reading.open() as reading, pytest.raises(Unreadable):
        read_zip(path, reading)


def test_limits_of_size_and_number(tmp_path, settings: Settings, monkeypatch):
    settings.ROSTER_MEGABYTES = 0
    assert refusal(tmp_path, district()) == "The file is larger than 0 MB."
    settings.ROSTER_MEGABYTES = 1
    assert "more than 1,000 files" in refusal(tmp_path, {f"{number}.csv": "" for number in range(1001)})
    monkeypatch.setattr("roster.reading.MOST_ROWS", 5)
    assert refusal(tmp_path, district()) == "The roster has more than 5 rows."


@pytest.mark.parametrize("content", [b"", b"PK", b"sourcedId,name\r\n", b"PK\x05\x06" + b"\0" * 17])
def test_what_is_no_zip(tmp_path, content):
    path = tmp_path / "roster.zip"
    path.write_bytes(content)
    with Reading.open() as reading, pytest.raises(Unreadable, match="no zip that can be read"):
        read_zip(path, reading)


def test_a_file_that_is_not_there_or_has_a_password(tmp_path):
    with Reading.open() as reading, pytest.raises(Unreadable, match="The file is not there"):
        read_zip(tmp_path / "none.zip", reading)
    path = write_zip(tmp_path / "roster.zip", district())
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(mark, at + 1)
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    with Reading.open() as reading, pytest.raises(Unreadable, match="has a password"):
        read_zip(path, reading)


def test_a_damaged_file_is_refused(tmp_path):
    path = write_zip(tmp_path / "roster.zip", district())
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with Reading.open() as reading, pytest.raises(Unreadable):
        read_zip(path, reading)


@given(st.dictionaries(st.sampled_from(sorted(_COLUMNS)), st.text(max_size=8)))
def test_whatever_the_cells_hold_a_row_is_taken_or_told(fields):
    with Reading.open() as reading:
        reading.take(Part.PEOPLE, "row 2", fields)
        taken = list(csv.reader(reading.file_of(Part.PEOPLE)))
    assert len(taken) + reading.problem_count >= 1
    assert all(len(row) == len(Person._fields) and "\0" not in "".join(row) for row in taken)
