"""Messages of any table that has a column map: a row for each device."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.utils.translation import gettext as _

from core.languages import english
from core.text import storable, unstorable
from imports.maps import FIELDS, Level
from imports.sources.base import Found, Source
from imports.table import Row
from imports.times import BadTime
from imports.values import (
    MESSAGE_WORDS,
    DeviceStatus,
    UnknownWord,
    mode_of_device,
    read_flag,
    read_mode,
    read_outcome,
    read_status,
    split_device,
)
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.languages import normalized_language
from messenger_logs.models import Delivery, Recipient, School
from messenger_logs.services.addresses import LONGEST as LONGEST_ADDRESS
from messenger_logs.services.json_fields import FieldError, IntakeError, squeezed
from messenger_logs.services.message_format import SMALLINT, limit, merge_recipients, read_message, set_address
from messenger_logs.services.message_inputs import DeviceInput, MessageInput, RecipientInput
from messenger_logs.statuses import STATUSES, code_of, detail_of

_OF_MESSAGE = [one for one in FIELDS.values() if one.level is Level.MESSAGE]
# The fields whose names in the JSON format are others.
_ELSEWHERE = frozenset({"message_status", "body", "modes"})
_TEXTS_OF_A_PERSON = ("person_id", "name", "student_number", "student_name", "language")
_PERSON = {name: limit(Recipient, name) for name in _TEXTS_OF_A_PERSON} | {"student_school": limit(School, "name")}
_DEVICE = {name: limit(Delivery, name) for name in ("detail", "provider_id")}
_REASON = limit(Delivery, "email_reason")
_NO_DEVICE = squeezed(english(DeliveryStatus.NO_DEVICE.label))
_DUPLICATE = re.compile(r"\s[&†]$")
_WITH_NUMBER = re.compile(r"(.*?)\s*\(([\w-]+)\)")


def person_id_of(name: str) -> str:
    """Return a person id for somebody of whom only the name is known: the same for the same name, in every file."""
    usual = " ".join(name.casefold().split())
    return f"name-{blake2b(usual.encode(), digest_size=8).hexdigest()}"


class RowSource(Source):
    """A table with a row for each device, or for each recipient without one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first_cells: dict[str, dict[str, str]] = {}
        """The cells of each message's first row that are about the message."""

    def look_at(self, row: Row, found: Found) -> None:
        if mode := self.mode(row):
            found.modes.add(mode)
        if self.wants_earliest and (moment := self.time_or_none(self.cell(row, "time"))):
            found.earliest = min(moment, found.earliest or moment)
        if found.rows == 1:
            self.first_cells[found.external_id] = self.message_cells(row)

    @property
    def wants_earliest(self) -> bool:
        return "created_at" not in self.places and "created_at" not in self.values

    def mode(self, row: Row) -> Mode | None:
        text = self.cell(row, "mode") or self.values.get("mode", "")
        return read_mode(text) if text else mode_of_device(self.cell(row, "device"), self.cell(row, "status"))

    # The message

    def message_cells(self, row: Row) -> dict[str, str]:
        return {one.name: self.cell(row, one.name) for one in _OF_MESSAGE if one.name in self.places}

    def message(self, found: Found) -> MessageInput:
        cells = {name: text for name, text in self.first_cells[found.external_id].items() if text}
        try:
            return read_message(self.message_data(found, self.values | cells), line=found.first_row)
        except IntakeError as error:
            raise IntakeError([self.renamed(one) for one in error.errors]) from None

    def message_data(self, found: Found, values: dict[str, str]) -> dict[str, Any]:
        """Return a message in the format of JSON Lines. Raises IntakeError."""
        known = {one.name for one in _OF_MESSAGE} - _ELSEWHERE
        data: dict[str, Any] = {name: text for name, text in values.items() if name in known}
        errors: list[FieldError] = []
        for name in (one.name for one in _OF_MESSAGE if one.is_time and one.name in data):
            try:
                moment = self.time(data[name])
                data[name] = moment.isoformat() if moment else None
            except BadTime as error:
                errors.append(FieldError(found.first_row, name, str(error)))
        try:
            data |= {"drill": read_flag(data["drill"])} if "drill" in data else {}
        except UnknownWord as error:
            errors.append(FieldError(found.first_row, "drill", str(error)))
        if errors:
            raise IntakeError(errors)
        if "created_at" not in data and found.earliest:
            data["created_at"] = found.earliest.isoformat()
        if status := values.get("message_status"):
            data["status"] = MESSAGE_WORDS.get(squeezed(status), status)
        modes = self.modes(found)
        if body := values.get("body"):
            data["bodies"] = dict.fromkeys(modes, body)
        return data | {"external_id": found.external_id, "modes": modes}

    def modes(self, found: Found) -> list[str]:
        texts = [text for text in re.split(r"[,;/]", self.values.get("modes", "")) if text.strip()]
        named = [read_mode(text) or text for text in texts]
        return list(dict.fromkeys([*named, *sorted(found.modes)]))

    # Recipients

    def recipients(self, found: Found, batch: list[Row], errors: list[FieldError]) -> list[RecipientInput]:
        read: list[RecipientInput] = []
        modes = [Mode(mode) for mode in self.modes(found) if mode in Mode.values]
        for row in batch:
            try:
                self.check(found, row)
                read.append(self.recipient(row, modes))
            except IntakeError as error:
                errors += map(self.renamed, error.errors)
        offered = sum(len(one.devices) for one in read)
        merged = merge_recipients(read)
        if repeated := offered - sum(len(one.devices) for one in merged):
            self.notes[_("Rows that repeat a device of the same person: they became one.")] += repeated
        return merged

    def check(self, found: Found, row: Row) -> None:
        """Refuse a row with more cells than headings, and one that says something else about its message."""
        errors = [
            FieldError(row.number, name, _("is another one than in the first row of the message"))
            for name, text in self.message_cells(row).items()
            if text != self.first_cells[found.external_id][name]
        ]
        if any(row.cells[len(self.table.headers) :]):
            errors.append(FieldError(row.number, "", _("has more cells than the heading row")))
        if errors:
            raise IntakeError(errors)

    def recipient(self, row: Row, modes: list[Mode]) -> RecipientInput:
        name = self.name(row)
        student, number = self.student(row)
        person_id = self.line(row, "person_id") or (person_id_of(name) if name else "")
        language, school = normalized_language(self.line(row, "language")), self.line(row, "student_school")
        recipient = RecipientInput(person_id, name, number, student, {}, language, school)
        if device := self.device(row, person_id):
            recipient.devices[device.key] = device
        self.check_lines(row, recipient, device)
        return recipient

    def line(self, row: Row, name: str) -> str:
        """Return the text of a cell with its white space simplified."""
        return " ".join(self.cell(row, name).split())

    def check_lines(self, row: Row, recipient: RecipientInput, device: DeviceInput | None) -> None:
        """Refuse what cannot be stored, or has no name. Raises IntakeError."""
        errors = [
            FieldError(row.number, name, _("is longer than %(count)s characters") % {"count": f"{most:,}"})
            for source, limits in ((recipient, _PERSON), (device, _DEVICE))
            for name, most in limits.items()
            if source and len(getattr(source, name)) > most
        ]
        if not recipient.name:
            errors.append(FieldError(row.number, "name", _("is missing")))
        if reason := unstorable("".join(row.cells)):
            errors.append(FieldError(row.number, "", reason))
        if errors:
            raise IntakeError(errors)

    def name(self, row: Row) -> str:
        name = self.line(row, "name")
        if self.map.own:
            name = name.removesuffix(" *")
        return name or ", ".join(filter(None, (self.line(row, part) for part in ("last_name", "first_name"))))

    def student(self, row: Row) -> tuple[str, str]:
        """Return name and number of the student. Our own lists write both as one: "Vang, Mai (12345)"."""
        name, number = self.line(row, "student_name"), self.line(row, "student_number")
        if self.map.own and not number and (found := _WITH_NUMBER.fullmatch(name)):
            return found[1], found[2]
        return name, number

    def device(self, row: Row, person_id: str) -> DeviceInput | None:
        """Return the device of a row; None for a recipient without one. Raises IntakeError."""
        text, status = _DUPLICATE.sub("", self.cell(row, "device")), self.cell(row, "status")
        mode = self.mode(row)
        if squeezed(text) == _NO_DEVICE or (not text and squeezed(status) in ("", _NO_DEVICE)):
            return DeviceInput(mode, "", DeliveryStatus.NO_DEVICE) if mode else None
        if mode is None:
            named = "mode" if self.cell(row, "mode") else "device"
            raise IntakeError([FieldError(row.number, named, _("says no mode: Inbox, Email, Voice or Text"))])
        result, code, moment = self.result(row, mode, status)
        device = DeviceInput(mode, "", result.status, result.detail or detail_of(code, mode, result.status), code)
        if result.status is DeliveryStatus.NO_DEVICE:
            raise IntakeError([FieldError(row.number, "device", _("is given, and the status is No Device"))])
        set_address(device, storable(address_of(mode, text))[:LONGEST_ADDRESS], person_id=person_id)
        device.provider_id, device.time = self.line(row, "provider_id").strip("<>"), moment
        if outcome := read_outcome(self.cell(row, "email_outcome")):
            device.email_outcome, device.email_reason = outcome[0], outcome[1][:_REASON]
        return device

    def result(self, row: Row, mode: Mode, status: str) -> tuple[DeviceStatus, int | None, datetime | None]:
        """Return status and detail, code, and time of a row. Raises IntakeError."""
        try:
            name = "time"
            moment = self.time(self.cell(row, "time"))
            name = "code"
            code = int(self.cell(row, "code")) if self.cell(row, "code") else None
            name = "status"
            found = self.status(row, mode, status, code)
        except (BadTime, UnknownWord) as error:
            raise IntakeError([FieldError(row.number, name, str(error))]) from None
        except ValueError:
            raise IntakeError([FieldError(row.number, name, _("is not a whole number"))]) from None
        if code is not None and not -SMALLINT - 1 <= code <= SMALLINT:
            ends = {"first": f"{-SMALLINT - 1:,}", "last": f"{SMALLINT:,}"}
            raise IntakeError([FieldError(row.number, "code", _("is not from %(first)s to %(last)s") % ends)])
        return found, found.code if code is None else code, moment

    def status(self, row: Row, mode: Mode, status: str, code: int | None) -> DeviceStatus:
        """Return the status of a row: as it says, else that of its code, else Waiting. Raises UnknownWord."""
        if status:
            return read_status(mode, status, self.cell(row, "detail") if "detail" in self.places else None)
        if code is None:
            return DeviceStatus(DeliveryStatus.WAITING)
        known = code_of(code, mode)
        if known.status not in STATUSES[mode]:
            raise UnknownWord(_("is missing, and the code is none of %(mode)s") % {"mode": mode.label})
        return DeviceStatus(known.status, known.detail)

    def renamed(self, error: FieldError) -> FieldError:
        """Name the column of an error instead of the field."""
        name = error.field
        column = _("column “%(heading)s”") % {"heading": self.heading(name)} if name else ""
        return FieldError(error.line, column, error.message)


def address_of(mode: Mode, text: str) -> str:
    """Return the address of a device as a report writes it: "Voice (612) 555-0143", "Inbox"."""
    found, rest = split_device(text)
    if found is mode and (rest or mode is Mode.INBOX):
        text = rest
    return text
