import gzip
import json
import os
import sys
import time
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError

from core.strict_json import GZIP_MAGIC, foreign_form
from messenger_logs.services.intake import IntakeResult, add_message
from messenger_logs.services.json_fields import FieldError, IntakeError, read_json

# A message is one line and is read whole: this many bytes at most, some millions of deliveries.
LONGEST_LINE = 2**30


class Command(BaseCommand):
    help = (
        "Import messages from JSON Lines, plain or gzip: each message whole or not at all, each external id once."
        " Exits with 0 when nothing was refused."
    )
    # The checks load all pages, which takes a quarter of the start.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input; docs/import.md describes the format")
        parser.add_argument("--json", action="store_true", help="print one JSON object a line for each message")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = {"new": 0, "here": 0, "refused": 0}
        with _opened(options["file"]) as source:
            progress = _Progress(source)
            for number, text in _lines(source):
                report, unusable = _import_line(number, text)
                counts[report["result"]] += 1
                progress.show(counts)
                if options["json"] or report["result"] == "refused" or report["differs"] or unusable:
                    progress.clear()
                    self.stdout.write(json.dumps(report) if options["json"] else _text(report, unusable))
                    self.stdout.flush()  # so that a reader of the pipe gets each line at once
            progress.clear()
        summary = f"{counts['new']:,} new, {counts['here']:,} here before, {counts['refused']:,} refused."
        if counts["refused"]:
            raise CommandError(summary)
        if not options["json"]:
            self.stdout.write(summary)


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


def _report(number: int, kind: str, result: IntakeResult | None, errors: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "line": number,
        "result": kind,
        "external_id": result.external_id if result else None,
        "message_id": result.message_id if result else None,
        "created": bool(result and result.created),
        "recipients": result.added.recipients if result else 0,
        "deliveries": result.added.deliveries if result else 0,
        "differs": list(result.differs) if result else [],
        "errors": errors,
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
    return "\n".join(str(FieldError(number, error["field"], error["words"])) for error in report["errors"])


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

    def show(self, counts: dict[str, int]) -> None:
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self._shown_at < 0.1:
            return
        self._shown_at = now
        bar = ""
        if self._size:
            part = min(self._source.tell() / self._size, 1)
            bar = f"[{'#' * int(part * 30):30}] {part:4.0%}  "
        sys.stderr.write(f"\r{bar}{sum(counts.values()):,} messages, {counts['refused']:,} refused")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._shown_at:
            sys.stderr.write("\r\x1b[K")
            self._shown_at = 0.0
