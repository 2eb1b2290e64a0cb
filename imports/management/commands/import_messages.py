from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import time
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError

from core.strict_json import GZIP_MAGIC, foreign_form
from imports.maps import FIELDS, READY
from imports.models import map_named
from imports.services.importing import Handled, ImportCounts, import_messages
from imports.sources import open_source
from imports.sources.base import Source
from imports.table import UnreadableFile
from messenger_logs.services.intake import IntakeResult, add_message
from messenger_logs.services.json_fields import FieldError, IntakeError, read_json

# A message is one line and is read whole: this many bytes at most, some millions of deliveries.
LONGEST_LINE = 2**30


class Command(BaseCommand):
    help = (
        "Import messages from JSON Lines, plain or gzip, or with --csv from a CSV file: each message whole or not at"
        " all, each external id once. Exits with 0 when nothing was refused."
    )
    # The checks load all pages, which takes a quarter of the start.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input; docs/import.md describes the formats")
        parser.add_argument("--json", action="store_true", help="print one JSON object a line for each message")
        parser.add_argument("--csv", action="store_true", help="the file is CSV, with a row for each device")
        maps = f"its column map: {', '.join(READY)}, or a kept one"
        parser.add_argument("--map", metavar="NAME", default="", help=maps)
        parser.add_argument(
            "--set",
            metavar="FIELD=VALUE",
            action="append",
            default=[],
            dest="values",
            help="the value of a field without a column, such as subject=Snow day; may be given several times",
        )
        parser.add_argument("--dry-run", action="store_true", help="of a CSV file: read all of it, and store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = self.import_csv(**options) if options["csv"] else self.import_json_lines(**options)
        summary = f"{counts['new']:,} new, {counts['here']:,} here before, {counts['refused']:,} refused."
        if options["dry_run"]:
            summary = f"Nothing was stored. It would be: {summary}"
        if counts["refused"]:
            raise CommandError(summary)
        if not options["json"]:
            self.stdout.write(summary)

    def import_json_lines(self, **options: Any) -> dict[str, int]:
        if options["map"] or options["values"] or options["dry_run"]:
            raise CommandError("--map, --set and --dry-run are for CSV files. Say --csv, too.")
        counts = {"new": 0, "here": 0, "refused": 0}
        with _opened(options["file"]) as source:
            progress = _Progress(source)
            for number, text in _lines(source):
                report, unusable = _import_line(number, text)
                self.tell(report, unusable, counts, progress, as_json=options["json"])
            progress.clear()
        return counts

    def import_csv(self, **options: Any) -> dict[str, int]:
        counts, told = ImportCounts(), {"new": 0, "here": 0, "refused": 0}
        with _csv_source(options["file"], options["map"], options["values"]) as source:
            progress = _RowProgress(source)
            source.survey()
            for handled in import_messages(source, counts, dry_run=options["dry_run"]):
                unusable = handled.result.unusable if handled.result else 0
                self.tell(_csv_report(handled), unusable, told, progress, as_json=options["json"])
            progress.clear()
        if not options["json"]:
            self.stdout.writelines(f"{note} ({number:,})\n" for note, number in counts.notes.items())
        return told

    def tell(
        self, report: dict[str, Any], unusable: int, counts: dict[str, int], progress: _Progress, *, as_json: bool
    ) -> None:
        """Count the result of a message, and write it if it is one to know."""
        counts[report["result"]] += 1
        progress.show(counts)
        if as_json or report["result"] == "refused" or report["differs"] or unusable:
            progress.clear()
            self.stdout.write(json.dumps(report) if as_json else _text(report, unusable))
            self.stdout.flush()  # so that a reader of the pipe gets each line at once


def _csv_report(handled: Handled) -> dict[str, Any]:
    """Return the report of a message of a CSV file. Its line is its first row, and its errors have their own rows."""
    kind = "refused" if handled.result is None else "new" if handled.result.created else "here"
    errors = [{"line": one.line, "field": one.field, "words": one.message} for one in handled.errors]
    return _report(handled.found.first_row, kind, handled.result, errors)


@contextmanager
def _csv_source(name: str, map_name: str, assignments: Sequence[str]) -> Iterator[Source]:
    """Open a CSV file, or standard input for "-", with its column map. Raises CommandError."""
    found = map_named(map_name)
    if found is None:
        raise CommandError(f"There is no column map of that name. Ready ones are: {', '.join(READY)}.")
    values = dict(_assignment(text) for text in assignments)
    with NamedTemporaryFile() as copy:
        if name == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
        try:
            yield open_source(Path(copy.name if name == "-" else name), found, values)
        except UnreadableFile as reason:
            raise CommandError(str(reason)) from None
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in FIELDS or not FIELDS[name].fixed:
        known = ", ".join(field.name for field in FIELDS.values() if field.fixed)
        raise CommandError(f"--set takes FIELD=VALUE. The fields are: {known}.")
    return name, value


def _import_line(number: int, text: bytes | None) -> tuple[dict[str, Any], int]:
    """Import one line. Returns a report, always with the same keys, and how many addresses cannot be used."""
    try:
        if text is None:
            raise IntakeError([FieldError(number, "", f"is longer than {LONGEST_LINE:,} bytes")])
        result = add_message(read_json(text, line=number), line=number)
    except IntakeError as error:
        errors = [{"field": one.field, "words": one.message} for one in error.errors]
        return _report(number, "refused", None, errors), 0
    return _report(number, "new" if result.created else "here", result, []), result.unusable


def _report(number: int, kind: str, result: IntakeResult | None, errors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "line": number,
        "result": kind,
        "external_id": result.external_id if result else None,
        "message_id": result.message_id if result else None,
        "created": bool(result and result.created),
        "recipients": result.added.recipients if result else 0,
        "deliveries": result.added.deliveries if result else 0,
        "differs": list(result.differs) if result else [],
        "errors": list(errors),
    }


def _text(report: dict[str, Any], unusable: int) -> str:
    number = report["line"]
    if unusable:
        return f"line {number}: {unusable:,} addresses or numbers cannot be used; they are here as Error, Bad data"
    if report["differs"]:
        return (
            f"line {number}: another message has this external id and stays as it is;"
            f" this one differs in {', '.join(report['differs'])}"
        )
    errors = (FieldError(error.get("line", number), error["field"], error["words"]) for error in report["errors"])
    return "\n".join(map(str, errors))


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader]:
    """A file, or standard input for "-"."""
    if name == "-":
        yield cast(BufferedReader, sys.stdin.buffer)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    with file:
        yield file


class _Unpacked(RawIOBase):
    """The contents of gzip data. Like the program gzip, it ends with a warning at other bytes after the data."""

    def __init__(self, source: BufferedReader) -> None:
        self._file = gzip.GzipFile(fileobj=source)
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b"" if self._ended else self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read1(size)
        except gzip.BadGzipFile as error:
            # The file begins with gzip data. So this is what follows the end of it, and not a damage.
            if not str(error).startswith("Not a gzipped file"):
                raise
            self._ended = True
            sys.stderr.write("There are other bytes after the gzip data. They were ignored.\n")
            return b""


def _as_text(source: BufferedReader) -> BufferedReader:
    """The contents of a file, unpacked. Raises CommandError if they are not UTF-8."""
    packed = source.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
    contents = cast(BufferedReader, BufferedReader(_Unpacked(source))) if packed else source
    if reason := foreign_form(contents.peek(4)[:4]):
        raise CommandError(f"The file {reason}. Nothing was imported.")
    return contents


def _lines(source: BufferedReader) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, unpacked, with their numbers from 1; None stands for one that is too long."""
    number = 0
    try:
        lines = _as_text(source)
        while text := lines.readline(LONGEST_LINE + 1):
            number += 1
            too_long = len(text) > LONGEST_LINE
            while too_long and text and not text.endswith(b"\n"):
                text = lines.readline(2**20)
            if too_long:
                yield number, None
            elif text.strip():
                yield number, text
    except (EOFError, zlib.error, OSError) as error:
        # The lines before it were imported.
        raise CommandError(f"The file is damaged after line {number:,}: {error}.") from None


class _Progress:
    """A progress line on standard error that overwrites itself; nothing where that is no terminal."""

    def __init__(self, source: BufferedReader) -> None:
        self._source = source
        self._size = os.fstat(source.fileno()).st_size if sys.stderr.isatty() and source.seekable() else 0
        self._shown_at = 0.0

    def part(self) -> float | None:
        """Return which part is done, from 0 to 1; None if nobody knows."""
        return min(self._source.tell() / self._size, 1) if self._size else None

    def show(self, counts: dict[str, int]) -> None:
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self._shown_at < 0.1:
            return
        self._shown_at = now
        part = self.part()
        bar = "" if part is None else f"[{'#' * int(part * 30):30}] {part:4.0%}  "
        sys.stderr.write(f"\r{bar}{sum(counts.values()):,} messages, {counts['refused']:,} refused")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._shown_at:
            sys.stderr.write("\r\x1b[K")
            self._shown_at = 0.0


class _RowProgress(_Progress):
    """The progress of a CSV file, by its rows."""

    def __init__(self, source: Source) -> None:
        self._found, self._done, self._shown_at = source.found, 0, 0.0
        self._counts = {"new": 0, "here": 0, "refused": 0}
        source.progress = self.rows

    def rows(self, number: int) -> None:
        self._done += number
        self.show(self._counts)

    def show(self, counts: dict[str, int]) -> None:
        self._counts = counts
        super().show(counts)

    def part(self) -> float | None:
        total = sum(found.rows for found in self._found.values())
        return min(self._done / total, 1) if self._done else None
