"""A Sent Message Report, in again as a message.

A report names people and no ids, and leaves out much that the ledger knows. What its figures say is made true: the
same report of the message that comes in has the same cells. docs/import.md says what is made up for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.languages import english
from imports.sources.attempts import Attempts, counts, email_figure, figure, outcome, stopped
from imports.sources.base import Found, Source
from imports.sources.people import Kind, People, Person, ReportRow, splits_for
from imports.sources.reached import NobodyEarlier, numbers_reached
from imports.sources.report_header import ReportHeader, has_phone, read_header
from imports.sources.reported_devices import ReportedDevice, printed_number
from imports.sources.rows import address_of, person_id_of
from imports.table import Row
from imports.times import BadTime
from imports.values import MESSAGE_WORDS, DeviceStatus, UnknownWord, mode_of_device, read_status
from messenger_logs.cancel_figures import FIGURES
from messenger_logs.choices import PHONE, DeliveryStatus, Mode, Outcome
from messenger_logs.services.addresses import DeviceAddress, read_device
from messenger_logs.services.json_fields import FieldError, IntakeError, squeezed
from messenger_logs.services.message_format import merge_recipients, read_message, read_recipients
from messenger_logs.services.message_inputs import DeviceInput, MessageInput, RecipientInput

_NO_DEVICE = squeezed(english(DeliveryStatus.NO_DEVICE.label))
_STAR = " *"
_CANCELED = _("Canceled: %(figure)s")
_FIGURES = dict(FIGURES)
_MARK = re.compile(r"\s[&†]$")


class MessageReportSource(Source):
    """The message of a classic Sent Message Report."""

    engine = "classic"
    devices_are_named = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.header: ReportHeader = read_header(
            self.table.above, own=self.map.own, language=self.map.language_of(self.table.headers)
        )
        self.seen: Counter[Any] = Counter()
        """How many rows there are, by what the survey has to know."""
        self.latest: datetime | None = None
        self.waiting: list[ReportRow] = []
        self.begin()

    # The survey reads the rows twice: what they are decides who is who, and how often they were tried.

    def key(self, row: Row) -> str:
        return ""

    def survey(self) -> None:
        super().survey()
        self.found.setdefault("", Found(self.external_id(""), self.table.heading_row))
        people, attempts = self.try_out(merges=0)
        if merges := self.merges_wanted(people):
            people, attempts = self.try_out(merges=merges)
        self.begin()
        self.people.merges = merges
        self.decide(people, attempts)
        ready = deepcopy((self.people, self.attempts, self.duplicates))
        self.earlier = self.reached_earlier()
        self.ready = (*ready, self.earlier)

    def try_out(self, *, merges: int) -> tuple[People, Attempts]:
        """Read all rows, and return whom they name and how often their statuses say that they were tried."""
        self.begin()
        self.people.merges = merges
        for person in self.everybody():
            for row in person.rows:
                if row.mode:
                    self.attempts.of(row)
        return self.people, self.attempts

    def everybody(self) -> Iterator[Person]:
        for _name, rows in groupby(self.readable_rows(), key=lambda one: one.name):
            yield from self.people.of(self.marked(list(rows)))

    def reached_earlier(self) -> NobodyEarlier:
        """Find out whom an earlier attempt reached."""
        return numbers_reached(self.everybody(), self.readable_rows) if self.by_phone else NobodyEarlier()

    def merges_wanted(self, people: People) -> int:
        """Return how many recipients without a device are people who have one: a report of 2.0 lists both."""
        wanted = self.people_wanted[Kind.NO_DEVICE]
        return 0 if wanted is None or self.devices_are_named else max(0, people.found[Kind.NO_DEVICE] - wanted)

    def begin(self) -> None:
        """Start over with the rows."""
        self.people = People(by_phone=self.by_phone)
        self.attempts = Attempts()
        self.duplicates: Counter[Any] = Counter()
        if self.header.text(_("Canceled By")):
            self.expect_cancel()

    def decide(self, people: People, attempts: Attempts) -> None:
        """Set what the last reading does to give the figures of the report."""
        self.people.splits = splits_for(people, self.people_wanted)

    @property
    def people_wanted(self) -> dict[Kind, int | None]:
        """Return how many people of each kind the report counts; None where it does not say it."""
        total = self.header.number(_("Total Recipients"))
        without = self.header.number(_("Total No Device"))
        contacted = self.header.number(_("Recipients contacted successfully by phone")) if self.by_phone else 0
        if total is None or without is None:
            return dict.fromkeys(Kind)
        contacted = contacted or 0
        return {Kind.NO_DEVICE: without, Kind.CONTACTED: contacted, Kind.OTHERS: total - without - contacted}

    def expect_cancel(self) -> None:
        """Learn from the figures of a cancel how many of the stopped devices were begun, and of the errors untried."""
        number = self.header.number
        calls = number(_CANCELED, figure=_FIGURES["hung_up"]) or 0
        never = number(_CANCELED, figure=_FIGURES["never_started"]) or 0
        untried = number(_CANCELED, figure=_FIGURES["not_tried"]) or 0
        self.attempts.begun = Counter({True: calls, False: max(0, self.seen["stopped"] - never - calls)})
        self.attempts.untried_errors = max(0, untried - self.seen[Outcome.NOT_ATTEMPTED])

    def look_at(self, row: Row, found: Found) -> None:
        try:
            read = self.read(row)
        except IntakeError:
            return
        self.seen["starred"] += read.starred
        if read.mode is None:
            return
        found.modes.add(read.mode)
        self.seen[read.mode, figure(read)] += 1
        self.seen[figure(read), email_figure(read)] += 1
        if counts(read):
            self.seen["stopped"] += stopped(read)
            self.seen[outcome(read)] += 1
        if moment := self.time_or_none(read.time):
            self.latest = max(moment, self.latest or moment)

    def readable_rows(self) -> Iterator[ReportRow]:
        for row in self.table.rows():
            try:
                yield self.read(row)
            except IntakeError:
                continue

    # The message

    @cached_property
    def modes(self) -> list[Mode]:
        """Return the modes of the message: those of its rows, its texts, and what the report includes."""
        rows = self.found[""].modes if self.found else set()
        seen = {*rows, *self.header.modes_of_bodies}
        named = set(self.header.modes)
        included = self.header.text(_("Include Recipient Devices")).split(",")
        if self.header.written(_("Voice/Text")) in map(str.strip, included):
            named |= PHONE - seen if not PHONE & seen else set()
            named -= PHONE - seen if PHONE & seen else set()
        return [mode for mode in Mode if mode in seen | named]

    @property
    def by_phone(self) -> bool:
        return bool(self.seen["starred"]) or bool(self.found and has_phone(self.modes))

    def message(self, found: Found) -> MessageInput:
        try:
            source = read_message(self.message_data(found), line=found.first_row)
        except BadTime as error:
            wrong = gettext("has a time that %(reason)s") % {"reason": error}
            raise IntakeError([FieldError(self.table.heading_row, "header", wrong)]) from None
        if canceled_by := self.header.text(_("Canceled By")):
            source.message.canceled_by_name = canceled_by
            source.message.cancel_asked_at = self.time(self.header.text(_("Cancel Asked")))
            source.message.cancel_completed_at = self.time_or_none(self.header.text(_("Cancel Complete")))
        return source

    def message_data(self, found: Found) -> dict[str, Any]:
        """Return the message in the format of JSON Lines. Raises BadTime."""
        header = self.header
        start, end = self.times()
        school = header.text(_("School"))
        data = {
            "engine": self.engine,
            "message_type": header.text(_("Type"), _("Message Type")),
            "subject": header.subject,
            "sender_name": header.text(_("Sender"), _("Created By")),
            "school": "" if school == settings.DISTRICT_NAME else school,
            "created_at": self.created_at(),
            "dispatch_started_at": start,
            "dispatch_finished_at": end,
            "status": self.status(),
            "reply_to": header.reply_to,
            "criteria": [list(pair) for pair in self.criteria()],
            "calendars": self.calendars(),
            "attachments": header.attachments,
            "bodies": header.bodies(self.modes),
        }
        given = {name: value for name, value in self.values.items() if name in data}
        for name in ("created_at", "dispatch_started_at", "dispatch_finished_at"):
            if name in given:
                data[name] = self.time(given.pop(name))
        times = {name: value.isoformat() for name, value in data.items() if isinstance(value, datetime)}
        return data | given | times | {"external_id": found.external_id, "modes": [mode.value for mode in self.modes]}

    def created_at(self) -> datetime | None:
        return self.time(self.header.text(_("Date Created"), _("Date")))

    def status(self) -> str | None:
        word = self.header.text(_("Message Status"))
        return MESSAGE_WORDS.get(squeezed(word), word) or None

    def criteria(self) -> list[tuple[str, str]]:
        return self.header.criteria

    def calendars(self) -> list[dict[str, str]]:
        return []

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return start and end, to the second where the duration tells it. They are printed to the minute."""
        start, end = (self.time_or_none(self.header.text(label)) for label in (_("Start Time"), _("End Time")))
        length = self.header.duration(_("Duration"))
        if start and end and length is not None:
            start = max(start, end - length)
            end = start + length
        return start, end

    # Rows

    def read(self, row: Row) -> ReportRow:
        """Read a row. Raises IntakeError."""
        name, device = self.cell(row, "name"), self.cell(row, "device")
        starred = name.endswith(_STAR)
        text = _MARK.sub("", device)
        mode = None if squeezed(text) == _NO_DEVICE else self.mode(row, text)
        return ReportRow(
            row.number,
            name.removesuffix(_STAR),
            starred,
            self.cell(row, "student_name"),
            mode,
            "" if mode is None else address_of(mode, text) or "",
            self.result(row, mode) if mode else DeviceStatus(DeliveryStatus.NO_DEVICE),
            self.cell(row, "time"),
            duplicate=text != device,
            no_device=mode is None,
        )

    def mode(self, row: Row, text: str) -> Mode:
        if mode := mode_of_device(text, self.cell(row, "status")):
            return mode
        # An odd address is an e-mail address that nothing can go to: our reports write Voice or Text before a number.
        if text and self.map.own:
            return Mode.EMAIL
        raise self.refusal(row, "device", gettext("is neither Inbox, an e-mail address nor a number"))

    def result(self, row: Row, mode: Mode) -> DeviceStatus:
        try:
            return read_status(mode, self.cell(row, "status"))
        except UnknownWord as error:
            raise self.refusal(row, "status", str(error)) from None

    def refusal(self, row: Row, name: str, message: str) -> IntakeError:
        column = gettext("column “%(heading)s”") % {"heading": self.heading(name)}
        return IntakeError([FieldError(row.number, column, message)])

    def marked(self, rows: list[ReportRow]) -> list[ReportRow]:
        """Mark the duplicates among the rows of a name, where the report does not mark them itself."""
        return rows

    # Recipients

    def messages(self) -> Iterator[tuple[Found, Iterable[Row]]]:
        self.people, self.attempts, self.duplicates, self.earlier = deepcopy(self.ready)
        yield self.found[""], self.table.rows()

    def recipients(self, found: Found, batch: list[Row], errors: list[FieldError]) -> list[RecipientInput]:
        recipients: list[RecipientInput] = []
        for row in batch:
            try:
                read = self.read(row)
                self.check(read, row)
            except IntakeError as error:
                errors += error.errors
                continue
            if self.waiting and self.waiting[0].name != read.name:
                recipients += self.of_a_name(errors)
            self.waiting.append(read)
        return merge_recipients(recipients)

    def check(self, read: ReportRow, row: Row) -> None:
        try:
            self.time(read.time)
        except BadTime as error:
            raise self.refusal(row, "time", str(error)) from None

    def rest(self, found: Found, errors: list[FieldError]) -> list[RecipientInput]:
        recipients = merge_recipients(self.of_a_name(errors))
        self.tell_differences()
        return recipients

    def of_a_name(self, errors: list[FieldError]) -> list[RecipientInput]:
        """Return the recipients of the name whose rows are complete."""
        rows, self.waiting = self.marked(self.waiting), []
        found: list[RecipientInput] = []
        for at, person in enumerate(self.people.of(rows), 1):
            try:
                found += self.of_a_person(person, f"{person_id_of(rows[0].name)}{f'-{at:03}' if at > 1 else ''}")
            except IntakeError as error:
                errors += error.errors
        return found

    def of_a_person(self, person: Person, person_id: str) -> Iterator[RecipientInput]:
        students: Counter[str] = Counter()
        devices: Counter[Mode] = Counter()
        earlier = {row.number for row in self.earlier.rows_of(person)}
        for rows in person.recipients:
            students[rows[0].student] += 1
            recipient = self.recipient(rows[0], person_id, students[rows[0].student])
            recipient.add(self.device(row, person_id, devices, row.number in earlier) for row in rows if row.mode)
            yield recipient

    def recipient(self, row: ReportRow, person_id: str, again: int) -> RecipientInput:
        number = row.student[1:-1] if row.student.startswith("(") and row.student.endswith(")") else ""
        data = {
            "person_id": person_id,
            "name": row.name,
            "student_name": "" if number else row.student,
            # Two students of one name have numbers, which the report does not print.
            "student_number": number or (f"student-{again}" if again > 1 else ""),
        }
        return read_recipients([(row.number, data)], modes=self.modes)[0]

    def device(self, row: ReportRow, person_id: str, devices: Counter[Mode], earlier: bool) -> DeviceInput:
        assert row.mode
        result, time = row.result, self.time(row.time)
        devices[row.mode] += 1
        found = self.address(row, person_id, devices[row.mode])
        attempts = self.attempts.of(row)
        return ReportedDevice(
            row.mode,
            found.canonical,
            result.status,
            result.detail,
            result.code,
            time=time,
            given_address=found.given,
            duplicate=row.duplicate,
            email_outcome=result.email_outcome,
            attempts_made=attempts,
            earlier=earlier,
            first_at=self.first_attempt(row, attempts, time),
        )

    def address(self, row: ReportRow, person_id: str, number: int) -> DeviceAddress:
        assert row.mode
        if row.result.status is DeliveryStatus.NO_DEVICE:
            return DeviceAddress("")
        if row.mode is Mode.INBOX:
            return DeviceAddress(person_id)
        printed = printed_number(row.mode, row.device) if row.mode in PHONE else None
        return printed or read_device(row.mode, row.device, person_id=person_id)

    def first_attempt(self, row: ReportRow, attempts: int, time: datetime | None) -> datetime | None:
        return time

    def tell_differences(self) -> None:
        """Note where the report counts other people than its rows name: it was made of some of the devices alone."""
        for kind, number in self.people_wanted.items():
            if number is not None and self.people.found[kind] != number:
                note = gettext(
                    "The report counts %(counted)s people (%(kind)s), and its rows name %(named)s."
                    " Make the report with all devices and the detail All."
                )
                counted, named = f"{number:,}", f"{self.people.found[kind]:,}"
                self.notes[note % {"counted": counted, "kind": kind.label, "named": named}] += 1
