"""bin/bench reports measures reports of each format, against the usual ways, with peak memory."""

import argparse
import csv
import io
import multiprocessing
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

import docx
import openpyxl
from django.db import connection
from django.utils import timezone
from reportlab.lib.pagesizes import LETTER
from reportlab.platypus import LongTable, SimpleDocTemplate

from bench.databases import own_database
from bench.measure import print_table, seconds
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from reports.document import Column, Document, Kind, Rows
from reports.kinds import deliveries
from reports.kinds.deliveries import ClassicRows
from reports.snapshot import snapshot
from reports.writers import Format, write

LABELS = ["Recipient", "Student", "Delivery Device", "Status", "Time"]
WIDTHS = [1.9, 1.8, 2.7, 1.0, 1.6]
NAIVE_UP_TO = {Format.PDF: 10_000, Format.DOCX: 1_000, Format.CSV: 10_000_000, Format.XLSX: 100_000}
"""The most rows for the usual way. With more it takes minutes or hours: it gets slower with each row."""
FLOOR = "COPY"

Way = Callable[[SentMessage, BinaryIO], None]
Measured = tuple[float, float]
"""Seconds, and peak memory in megabytes."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench reports", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    parser.add_argument("--formats", nargs="+", choices=Format.values, default=Format.values)
    options = parser.parse_args(arguments)
    with own_database("reports"):
        small = make_message(100)
        for rows in options.rows:
            message = make_message(rows)
            # Each way runs in its own process, which must not share the connection of this process.
            connection.close()
            measure(message, small, rows, options.rounds, [Format(format) for format in options.formats])


def make_message(rows: int) -> SentMessage:
    """Make a message that went by e-mail to `rows` people."""
    now = timezone.now()
    message = SentMessage.objects.create(
        subject="School is closed", created_at=now, scheduled_at=now, listed_from=now, modes=[Mode.EMAIL], status="sent"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messenger_logs_recipient
                (message_id, person_id, name, student_number, student_name, merge_fields, counted)
            SELECT %(message)s, 'P' || n, (ARRAY['García', 'Nguyễn', 'Vang', 'Smith'])[n %% 4 + 1] || n || ', Heather',
                n, 'Student, Calvin ' || n %% 997, '{}', true
            FROM generate_series(1, %(rows)s) AS n
            """,
            {"message": message.pk, "rows": rows},
        )
        cursor.execute(
            """
            INSERT INTO messenger_logs_delivery (message_id, recipient_id, mode, address, duplicate, status, detail,
                outcome, attempt_count, last_attempt_at, provider_id, email_outcome, email_reason)
            SELECT message_id, id, 'email', 'parent' || student_number || '@example.org', id %% 50 = 0, 'sent', '',
                'success', 1, now() - id %% 5000 * interval '1 second', '', '', ''
            FROM messenger_logs_recipient WHERE message_id = %s
            """,
            [message.pk],
        )
        cursor.execute("ANALYZE messenger_logs_recipient, messenger_logs_delivery")
    return message


def measure(message: SentMessage, small: SentMessage, rows: int, rounds: int, formats: Sequence[Format]) -> None:
    ways: dict[str, Way] = {FLOOR: copy_rows}
    for format in formats:
        ways[format.label] = partial(write_ours, format)
        if rows <= NAIVE_UP_TO[format]:
            ways[f"{format.label}, the usual way"] = NAIVE[format]
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(apart(way, message, small))
    best = {name: min(times) for name, times in found.items()}
    print_table(
        f"A report of {rows:,} rows; the best of {rounds}",
        ["way", "rows/s", "MB", "ratio to COPY", "ratio to the usual way"],
        [
            [
                name,
                f"{rows / time:,.0f}",
                f"{max(memory for _, memory in found[name]):,.0f}",
                f"{best[FLOOR][0] / time:.2f}",
                f"{best[usual][0] / time:.1f}" if (usual := f"{name}, the usual way") in best else "",
            ]
            for name, (time, _) in best.items()
        ],
    )


def apart(way: Way, message: SentMessage, small: SentMessage) -> Measured:
    """Measure in a process that has made a small report before, like a worker."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_measured, (way, message, small))


def _measured(way: Way, message: SentMessage, small: SentMessage) -> Measured:
    with tempfile.TemporaryFile() as file:
        way(small, file)
    with tempfile.TemporaryFile() as file:
        taken = seconds(lambda: way(message, file))
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_ours(format: Format, message: SentMessage, file: BinaryIO) -> None:
    kinds = [Kind.TIME if label == "Time" else Kind.TEXT for label in LABELS]
    columns = [Column(label, width, kind) for label, width, kind in zip(LABELS, WIDTHS, kinds, strict=True)]
    with snapshot(seconds=600):
        rows = Rows("Delivery Detail", columns, ClassicRows(message, modes=[Mode.EMAIL]))
        write(format, Document("Sent Message Report", "Harrison High", "today", sections=[rows]), file)


def copy_rows(message: SentMessage, file: BinaryIO) -> None:
    """Write the same rows with COPY: the database alone is not faster, so this is the floor."""
    with connection.cursor() as cursor:
        query = cursor.mogrify(deliveries._CLASSIC, ClassicRows(message, modes=[Mode.EMAIL]).parameters).decode()
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", file)


def naive_rows(message: SentMessage) -> Iterator[list[str]]:
    rows = Delivery.objects.filter(message=message).order_by("recipient__name")
    for *texts, time in rows.values_list(
        "recipient__name", "recipient__student_name", "address", "status", "last_attempt_at"
    ):
        yield [*texts, f"{timezone.localtime(time):%m/%d/%Y %I:%M %p}"]


def naive_csv(message: SentMessage, file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, newline="")
    csv.writer(text).writerows(naive_rows(message))
    text.detach()


def naive_pdf(message: SentMessage, file: BinaryIO) -> None:
    table = LongTable([LABELS, *naive_rows(message)], repeatRows=1)
    SimpleDocTemplate(file, pagesize=LETTER).build([table])


def naive_docx(message: SentMessage, file: BinaryIO) -> None:
    document = docx.Document()
    table = document.add_table(rows=1, cols=len(LABELS))
    for row in naive_rows(message):
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
    document.save(file)


def naive_xlsx(message: SentMessage, file: BinaryIO) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(LABELS)
    for row in naive_rows(message):
        sheet.append(row)
    book.save(file)


NAIVE: dict[Format, Way] = {
    Format.PDF: naive_pdf,
    Format.CSV: naive_csv,
    Format.DOCX: naive_docx,
    Format.XLSX: naive_xlsx,
}


if __name__ == "__main__":
    main()
