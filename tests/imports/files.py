"""Files to import, and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imports.maps import READY, ColumnMap
from imports.services.importing import ImportCounts, import_messages
from imports.sources import open_source
from messenger_logs.models import SentMessage

MAP = ColumnMap(
    "test",
    "Test",
    {
        "person_id": ("Person ID",),
        "name": ("Recipient",),
        "student_name": ("Student",),
        "device": ("Device",),
        "status": ("Status",),
        "time": ("Time",),
    },
    {
        "engine": "classic",
        "message_type": "Attendance",
        "subject": "Snow day",
        "sender_name": "Office",
        "created_at": "11/20/2026 8:00 AM",
    },
    optional=frozenset({"person_id", "student_name", "status", "time"}),
)


def run(path: Path, map: ColumnMap | str = MAP, *, dry_run: bool = False, **values: str) -> ImportCounts:
    source = open_source(path, READY[map] if isinstance(map, str) else map, values)
    source.survey()
    counts = ImportCounts()
    for _ in import_messages(source, counts, dry_run=dry_run):
        pass
    return counts


def a_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


def the_message(**fields: Any) -> SentMessage:
    return SentMessage.objects.get(**fields)
