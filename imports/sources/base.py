"""Messages out of a table. A source reads it twice: a survey finds the messages, then each is read in parts."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from tempfile import TemporaryFile

from django.utils import timezone
from django.utils.translation import gettext as _

from imports.maps import FIELDS, ColumnMap
from imports.table import Row, Table
from imports.times import BadTime, read_time
from imports.values import own_cell
from messenger_logs.choices import Mode
from messenger_logs.services.bulk_copy import ROWS_A_COPY
from messenger_logs.services.json_fields import MOST_ERRORS, FieldError, IntakeError
from messenger_logs.services.message_inputs import MessageInput, RecipientInput

Progress = Callable[[int], None]


@dataclass(slots=True)
class Found:
    """A message that the survey found: its external id, its first row, how many rows it has, and their modes."""

    external_id: str
    first_row: int
    rows: int = 0
    modes: set[Mode] = field(default_factory=set)
    earliest: datetime | None = None


class Source(ABC):
    """The messages of one file.

    `values` has the values of fields that have no column. `progress` is called with the number of rows read; it may
    raise what it likes to end the work. `notes` counts what a person should know, by its sentence.
    """

    def __init__(self, table: Table, map: ColumnMap, *, digest: str, values: Mapping[str, str]) -> None:
        self.table, self.map, self.digest = table, map, digest
        self.values = {name: value for name, value in {**map.values, **values}.items() if value}
        self.own = map.own
        self.places = map.places(table.headers) or {}
        self.notes: Counter[str] = Counter()
        self.zone = timezone.get_current_timezone_name()
        self.found: dict[str, Found] = {}
        self.together = True
        """Whether the rows of each message follow each other."""
        self.progress: Progress = lambda rows: None

    # The survey

    def survey(self) -> None:
        """Find the messages. Raises UnreadableFile."""
        last, moved = None, 0
        for count, row in enumerate(self.table.rows(), 1):
            key = self.key(row)
            found = self.found.get(key)
            if found is None:
                found = self.found[key] = Found(self.external_id(key), row.number)
            elif key != last:
                moved += 1
            last = key
            found.rows += 1
            self.look_at(row, found)
            if not count % 1000:
                self.progress(0)
        self.together = not moved
        if unread := self.map.unread(self.table.headers):
            note = _("No field of the map reads these columns: %(columns)s.")
            self.notes[note % {"columns": ", ".join(unread)}] += 1

    def key(self, row: Row) -> str:
        """Return what tells the message of a row apart; "" where the file is one message."""
        return self.cell(row, "external_id")

    def external_id(self, key: str) -> str:
        """Return the external id of a message. A file that names none has one of its contents."""
        return key or f"csv-{self.digest[:40]}"

    @abstractmethod
    def look_at(self, row: Row, found: Found) -> None:
        """Learn from a row what has to be known before the message is read."""

    # Reading

    def messages(self) -> Iterator[tuple[Found, Iterable[Row]]]:
        """Yield each message with its rows, after the survey. The rows can be read once, before the next message."""
        if self.together:
            for key, rows in groupby(self.table.rows(), key=self.key):
                yield self.found[key], rows
        else:
            yield from self._sorted_out()

    def _sorted_out(self) -> Iterator[tuple[Found, Iterable[Row]]]:
        """Yield messages whose rows are mixed. A second file holds the rows, and memory only where each one begins."""
        with TemporaryFile() as spool:
            begins: dict[str, array[int]] = {key: array("Q") for key in self.found}
            for row in self.table.rows():
                begins[self.key(row)].append(spool.tell())
                spool.write(json.dumps([row.number, row.cells]).encode() + b"\n")

            def rows(key: str) -> Iterator[Row]:
                for begin in begins[key]:
                    spool.seek(begin)
                    yield Row(*json.loads(spool.readline()))

            for key, found in self.found.items():
                yield found, rows(key)

    @abstractmethod
    def message(self, found: Found) -> MessageInput:
        """Return a message without its recipients. Raises IntakeError."""

    def parts(self, found: Found, rows: Iterable[Row]) -> Iterator[list[RecipientInput]]:
        """Yield the recipients of a message, some thousand rows at a time.

        Raises IntakeError with the errors of all rows, once the last one is read.
        """
        errors: list[FieldError] = []
        for batch in _batches(rows):
            part = self.recipients(found, batch, errors)
            self.progress(len(batch))
            if not errors:
                yield part
        if part := self.rest(found, errors):
            yield part
        if errors:
            raise IntakeError(errors[:MOST_ERRORS])

    @abstractmethod
    def recipients(self, found: Found, batch: list[Row], errors: list[FieldError]) -> list[RecipientInput]:
        """Return the recipients of some rows. Append what is wrong to `errors`."""

    def rest(self, found: Found, errors: list[FieldError]) -> list[RecipientInput]:
        """Return the recipients that waited for a further row."""
        return []

    # Cells

    def cell(self, row: Row, name: str) -> str:
        """Return the text of a field; "" where the row has no such cell."""
        place = self.places.get(name)
        if place is None or place >= len(row.cells):
            return ""
        text = row.cells[place].strip()
        return own_cell(text) if self.own else text

    def heading(self, name: str) -> str:
        """Return the heading of a field's column, or the label of the field."""
        if name in self.places:
            return self.table.headers[self.places[name]]
        return str(FIELDS[name].label) if name in FIELDS else name

    def time(self, text: str) -> datetime | None:
        """Read a time. Raises BadTime."""
        if not text:
            return None
        moment, twice = read_time(text, self.map.date_order, self.zone)
        if twice:
            self.notes[_("Times that clocks showed twice, on the day they go back: the earlier one was taken.")] += 1
        return moment

    def time_or_none(self, text: str) -> datetime | None:
        try:
            return self.time(text)
        except BadTime:
            return None


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_A_COPY:
            yield batch
            batch = []
    if batch:
        yield batch
