"""Read a roster from a zip of CSV files (OneRoster 1.1 and 1.2).

Nothing is unpacked to the disk. What counts is how many bytes come out of the zip, not how many it says.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from django.conf import settings
from django.utils.translation import gettext_noop

from roster.reading import Part, Reading, Unreadable

MOST_FILES = 1000
NO_FILE = gettext_noop("The file is not there.")
NO_ZIP = gettext_noop("The file is no zip that can be read. Export it again.")
# The file of each part, and the columns without which it cannot be read.
FILES = {
    Part.ORGS: ("orgs", ("sourcedId", "name", "type")),
    Part.TERMS: ("academicSessions", ("sourcedId", "title", "type", "startDate", "endDate")),
    Part.PEOPLE: ("users", ("sourcedId", "givenName", "familyName")),
    Part.ROLES: ("roles", ("userSourcedId", "role", "orgSourcedId")),
}
_BROKEN = (BadZipFile, LargeZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError)


def read_zip(path: Path, reading: Reading) -> None:
    """Read a zip. Raises Unreadable."""
    with _opened(path) as archive:
        files = _files(archive)
        budget = _Budget(settings.ROSTER_UNPACKED_MEGABYTES * 2**20)
        manifest = _manifest(archive, files, budget, reading)
        modes = {part: _mode(part, manifest, files) for part in FILES}
        _check(modes)
        for part, mode in modes.items():
            if mode != "absent":
                _read(archive, files, part, reading, budget, separate_roles=modes[Part.ROLES] != "absent")
        # A person has left only if all roles were read.
        reading.complete = {part for part, mode in modes.items() if mode == "bulk"}
        reading.label = f"OneRoster {manifest.get('oneroster.version') or '(no version)'}, CSV"


def _check(modes: Mapping[Part, str]) -> None:
    if all(mode == "absent" for mode in modes.values()):
        raise Unreadable(gettext_noop("The zip has no roster: neither orgs.csv, academicSessions.csv nor users.csv."))
    if modes[Part.ROLES] == "delta" or (modes[Part.ROLES] == "bulk" and modes[Part.PEOPLE] != "bulk"):
        raise Unreadable(gettext_noop("Users and roles of OneRoster 1.2 are read only in bulk. Export all of them."))


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    try:
        if path.stat().st_size > settings.ROSTER_MEGABYTES * 2**20:
            raise Unreadable(f"The file is larger than {settings.ROSTER_MEGABYTES:,} MB.")
        with ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise Unreadable(NO_FILE) from None
    except OSError as error:
        raise Unreadable(f"The file cannot be read ({type(error).__name__}).") from error
    except _BROKEN:
        raise Unreadable(NO_ZIP) from None


def _files(archive: ZipFile) -> dict[str, ZipInfo]:
    """Return the CSV files by their names in lower case, in whichever folder they are."""
    members = archive.infolist()
    if len(members) > MOST_FILES:
        raise Unreadable(f"The zip has more than {MOST_FILES:,} files.")
    found: dict[str, ZipInfo] = {}
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        name = path.name.lower()
        if member.is_dir() or not name.endswith(".csv") or "__MACOSX" in path.parts:
            continue
        if name in found:
            raise Unreadable(f"The zip has {path.name} twice.")
        if member.flag_bits & 1:
            raise Unreadable(gettext_noop("The zip has a password. Export it without one."))
        found[name] = member
    return found


def _manifest(archive: ZipFile, files: Mapping[str, ZipInfo], budget: _Budget, reading: Reading) -> dict[str, str]:
    """Return the properties that manifest.csv gives."""
    if "manifest.csv" not in files:
        reading.note("manifest.csv", gettext_noop("is missing; each file is taken as complete"))
        return {}
    rows = _Table(archive, files["manifest.csv"], budget).rows()
    return {row.get("propertyName", "").strip(): row.get("value", "").strip() for _, row in rows}


def _mode(part: Part, manifest: Mapping[str, str], files: Mapping[str, ZipInfo]) -> str:
    """Return whether a file has all rows (bulk), changes alone (delta), or is absent."""
    name, _ = FILES[part]
    here = f"{name.lower()}.csv" in files
    mode = manifest.get(f"file.{name}", "").lower() or ("bulk" if here else "absent")
    if mode not in ("bulk", "delta", "absent"):
        raise Unreadable(f"manifest.csv says neither bulk, delta nor absent of {name}.csv.")
    if mode != "absent" and not here:
        raise Unreadable(f"{name}.csv is missing, but manifest.csv names it. Export it again.")
    return mode


def _read(
    archive: ZipFile, files: Mapping[str, ZipInfo], part: Part, reading: Reading, budget: _Budget, separate_roles: bool
) -> None:
    name, needed = FILES[part]
    table = _Table(archive, files[f"{name.lower()}.csv"], budget)
    if part is Part.PEOPLE and not separate_roles:
        needed = (*needed, "role", "orgSourcedIds")
    for row, fields in table.rows(needed):
        where = f"{name}.csv, row {row:,}"
        if part is Part.ROLES:
            reading.take_role(where, fields, row)
        else:
            reading.take(part, where, fields, () if separate_roles else None)
    for row, reason in table.broken:
        reading.note(f"{name}.csv, row {row:,}", reason)


class _Table:
    """A CSV file of the zip."""

    def __init__(self, archive: ZipFile, member: ZipInfo, budget: _Budget) -> None:
        self.archive, self.member, self.budget = archive, member, budget
        self.broken: list[tuple[int, str]] = []

    def rows(self, needed: tuple[str, ...] = ()) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row with its number, counted from 1 with the heading row. Raises Unreadable."""
        with self.archive.open(self.member) as raw:
            counted = io.BufferedReader(_Counted(raw, self.budget))
            cells = self._cells(io.TextIOWrapper(counted, encoding="utf-8-sig", errors="replace", newline=""))
            headings = self._headings(next(cells, (1, []))[1], needed)
            for number, row in cells:
                if any(row):
                    yield number, dict(zip(headings, row, strict=False))

    def _headings(self, row: list[str], needed: tuple[str, ...]) -> list[str]:
        """Return the names of the columns, spelled as in the standard. Others stay, and nobody reads them."""
        spelled = {name.lower(): name for name in _COLUMNS}
        headings = [spelled.get(cell.strip().lower(), cell.strip()) for cell in row]
        if missing := [name for name in needed if name not in headings]:
            raise Unreadable(f"{self.member.filename} has no column {', '.join(missing)}.")
        return headings

    def _cells(self, text: IO[str]) -> Iterator[tuple[int, list[str]]]:
        reader, number = csv.reader(text), 0
        while True:
            number += 1
            try:
                yield number, next(reader)
            except StopIteration:
                return
            except csv.Error:
                self.broken.append((number, "has quotes or a cell that cannot be read"))


_COLUMNS = (
    *("propertyName", "value", "sourcedId", "status", "name", "type", "parentSourcedId", "title", "startDate"),
    *("endDate", "schoolYear", "enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName"),
    *("identifier", "email", "primaryOrgSourcedId", "preferredGivenName", "preferredFamilyName"),
    *("userSourcedId", "roleType", "beginDate", "orgSourcedId"),
)


class _Budget:
    """How many bytes may still come out of the zip."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Unreadable(f"Unpacked, the zip has more than {settings.ROSTER_UNPACKED_MEGABYTES:,} MB.")


class _Counted(io.RawIOBase):
    """A file of the zip that spends from the budget."""

    def __init__(self, raw: IO[bytes], budget: _Budget) -> None:
        self._raw, self._budget = raw, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)
