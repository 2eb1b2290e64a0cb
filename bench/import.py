"""bin/bench import measures the import of a CSV file: rows a second, the commit of it, and memory."""

import argparse
import csv
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bench.databases import own_database
from imports.maps import ColumnMap
from imports.services.importing import ImportCounts, import_messages
from imports.sources import open_source
from messenger_logs.models import Delivery, DeviceAttempt, Recipient

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
    options = parser.parse_args(arguments)
    with own_database("import", keep=False), tempfile.TemporaryDirectory() as folder:
        commits: dict[str, float] = {}
        for deferrable in ("NOT DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"):
            path = Path(folder) / f"{len(commits)}.csv"
            write_file(path, options.rows, first=len(commits) * options.rows)
            alter_foreign_keys(deferrable)
            before = peak_megabytes()
            total, commits[deferrable] = measure(path)
            print(
                f"{options.rows:,} rows of one message, {path.stat().st_size / 2**20:,.0f} MB, {deferrable.lower()}:"
                f" {total:.1f} s, of which the commit took {commits[deferrable]:.2f} s;"
                f" {options.rows / total:,.0f} rows a second; memory grew by {peak_megabytes() - before:,.0f} MB.",
                flush=True,
            )
        at_once, deferred = commits.values()
        print(f"Commit, ratio of deferred foreign keys to those that are checked at once: {deferred / at_once:,.0f}")


def write_file(path: Path, rows: int, *, first: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([heading for (heading,) in MAP.columns.values()])
        writer.writerows(every_row(first, rows))


def every_row(first: int, rows: int) -> Iterator[tuple[str, ...]]:
    """Yield three rows for each person: an e-mail, a call, a text."""
    for number in range(first, first + rows):
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
    wrapper: Any = connection
    original = wrapper._commit

    def commit() -> None:
        began = time.monotonic()
        original()
        commits.append(time.monotonic() - began)

    wrapper._commit = commit
    began = time.monotonic()
    try:
        source = open_source(path, MAP, {})
        source.survey()
        counts = ImportCounts()
        deque(import_messages(source, counts), maxlen=0)
    finally:
        wrapper._commit = original
    assert counts.new == 1, counts.refusals[:5]
    return time.monotonic() - began, max(commits)


def alter_foreign_keys(deferrable: str) -> None:
    """Let PostgreSQL check the foreign keys at once, or at the commit, as Django makes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
            [[model._meta.db_table for model in (Recipient, Delivery, DeviceAttempt)]],
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" {deferrable}')


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
