"""bin/bench import measures the import of a CSV file: rows a second, the commit of it, and memory."""

import argparse
import csv
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bench.databases import own_database
from imports.maps import ColumnMap
from imports.services.importing import ImportCounts, import_messages
from imports.sources import open_source
from messenger_logs.models import Delivery

MAP = ColumnMap(
    "bench",
    "Bench",
    {
        "person_id": ("Person ID",),
        "name": ("Recipient",),
        "student_name": ("Student",),
        "device": ("Device",),
        "status": ("Status",),
        "time": ("Time",),
    },
    {"engine": "classic", "message_type": "Attendance", "sender_name": "Office", "created_at": "11/20/2026 8:00 AM"},
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--deferred", action="store_true", help="with the foreign keys checked at the commit")
    options = parser.parse_args(arguments)
    with own_database("import", keep=False), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_file(path, options.rows)
        if options.deferred:
            defer_foreign_keys()
        before = peak_megabytes()
        total, commit = measure(path)
        print(
            f"{options.rows:,} rows of one message, {path.stat().st_size / 2**20:,.0f} MB: {total:.1f} s,"
            f" of which the commit took {commit:.2f} s; {options.rows / total:,.0f} rows a second."
            f" Memory grew by {peak_megabytes() - before:,.0f} MB. {Delivery.objects.count():,} deliveries."
        )


def write_file(path: Path, rows: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([heading for (heading,) in MAP.columns.values()])
        writer.writerows(every_row(rows))


def every_row(rows: int) -> Iterator[tuple[str, ...]]:
    """Yield three rows for each person: an e-mail, a call, a text."""
    for number in range(rows):
        person = number // 3
        phone = f"({200 + person % 700:03}) {200 + person // 700 % 700:03}-{person % 10_000:04}"
        device, status = [
            (f"person{person}@example.org", "Sent"),
            (f"Voice {phone}", "Not Confirmed (Voicemail detected, code 6: Answering Machine)"),
            (f"Text {phone}", "Delivered"),
        ][number % 3]
        time_text = f"11/20/2026 8:{person % 60:02} AM"
        yield str(person), f"Parent, Number {person}", f"Student, Number {person}", device, status, time_text


def measure(path: Path) -> tuple[float, float]:
    """Import the file. Returns the seconds of all of it, and those of the commit alone."""
    commits: list[float] = []

    def commit(*args: Any) -> None:
        began = time.monotonic()
        original()
        commits.append(time.monotonic() - began)

    original = connection._commit
    connection._commit = commit  # type: ignore[method-assign]
    began = time.monotonic()
    try:
        source = open_source(path, MAP, {})
        source.survey()
        counts = ImportCounts()
        for _ in import_messages(source, counts):
            pass
    finally:
        connection._commit = original  # type: ignore[method-assign]
    assert counts.new == 1, counts.refusals[:5]
    return time.monotonic() - began, max(commits)


def defer_foreign_keys() -> None:
    """Let the commit check the foreign keys, as Django makes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f' AND NOT condeferrable"
            " AND conrelid::regclass::text LIKE 'messenger_logs_%'"
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" DEFERRABLE INITIALLY DEFERRED')


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
