"""Writes the records of a request as one ZIP file: the same records are the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from records.content import MASKED, Records
from reports.document import Document
from reports.writers import Format, write
from reports.writers.progress import Progress

# The first time that a ZIP file can hold. The time at which it was made is in the request, not in the file.
FIRST_TIME = (1980, 1, 1, 0, 0, 0)
ON_UNIX = 3
READABLE = 0o100644 << 16


class Member:
    """A file in the archive, while it is written."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name
        self.size, self.digest = 0, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.size += len(content)
        self.digest.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        """Do nothing: the archive decides."""

    @property
    def line(self) -> dict[str, str | int]:
        return {"name": self.name, "bytes": self.size, "sha256": self.digest.hexdigest()}


class Archive:
    """A ZIP file without anything that differs from one writing to the next. Its members come in a given order."""

    def __init__(self, file: BinaryIO) -> None:
        self.zip = ZipFile(file, "w", ZIP_DEFLATED)
        self.members: list[Member] = []

    @contextmanager
    def member(self, name: str) -> Iterator[Member]:
        info = ZipInfo(name, FIRST_TIME)
        info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, ON_UNIX, READABLE
        with self.zip.open(info, "w", force_zip64=True) as file:
            member = Member(file, name)
            yield member
        self.members.append(member)

    def document(self, name: str, format: Format, document: Document, progress: Progress | None) -> int:
        with self.member(name) as member:
            # The writers only write.
            return write(format, document, cast(BinaryIO, member), progress=progress)

    def text(self, name: str, text: str) -> None:
        with self.member(name) as member:
            member.write(text.encode())


def write_records(records: Records, file: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write PDF, tables, bodies and manifest. Returns the number of rows about devices.

    It reads the database several times, so the caller opens one snapshot.
    """
    archive, rows = Archive(file), 0
    with archive.zip:
        rows = archive.document("records.pdf", Format.PDF, records.pdf(), progress)
        for name, table in records.tables():
            archive.document(name, Format.CSV, table, None)
        for masked in records.messages:
            for name, text in masked.bodies.items():
                archive.text(name, text)
        archive.text("manifest.json", _manifest(records, archive.members))
    return rows


def _manifest(records: Records, members: list[Member]) -> str:
    manifest = {
        "wanted": dict(records.pairs),
        "messages": len(records.messages),
        "people": records.people,
        "other_families": str(MASKED),
        "files": [member.line for member in members],
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
