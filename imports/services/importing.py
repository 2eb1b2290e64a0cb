"""Import the messages of a CSV file, or only say what would come of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from django.utils.translation import gettext as _

from core.dates import time_text
from imports.sources.base import Found, Source
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.intake import AddedCounts, IntakeResult, add_message_in_parts
from messenger_logs.services.json_fields import FieldError, IntakeError
from messenger_logs.services.message_inputs import DeviceInput, MessageInput, RecipientInput
from messenger_logs.status_labels import detail_text, device_text

MOST_REFUSALS = 200
"""The refusals that a result names. Its count has all of them."""
PREVIEWED = 20
"""How many messages, and how many devices, a dry run shows as they would be stored."""


@dataclass(slots=True)
class ImportCounts:
    """The result of an import, or of a dry run, which stores nothing."""

    rows: int = 0
    new: int = 0
    here: int = 0
    refused: int = 0
    recipients: int = 0
    deliveries: int = 0
    unusable: int = 0
    """Devices whose address nothing can go to. They are in as Error, Bad data."""
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """The number of a row, and the sentence that says why its message is refused."""
    notes: Counter[str] = field(default_factory=Counter)
    """How often something happened that a person should know, by its sentence."""
    messages: list[list[str]] = field(default_factory=list)
    """Of a dry run: the first messages, each with external id, subject, type, sender, date created, modes, rows."""
    devices: list[list[str]] = field(default_factory=list)
    """Of a dry run: the first devices, each with recipient, student, mode, device, status, detail, time."""

    def add(self, result: IntakeResult) -> None:
        self.new += result.created
        self.here += not result.created
        self.recipients += result.added.recipients
        self.deliveries += result.added.deliveries
        self.unusable += result.unusable

    def refuse(self, errors: Iterable[FieldError]) -> None:
        self.refused += 1
        room = MOST_REFUSALS - len(self.refusals)
        self.refusals += [(error.line, f"{error.field} {error.message}".strip()) for error in islice(errors, room)]


class Handled(NamedTuple):
    """A message of the file, and its result; or None, and the errors for which it is refused."""

    found: Found
    result: IntakeResult | None
    errors: list[FieldError]


def import_messages(source: Source, counts: ImportCounts, *, dry_run: bool = False) -> Iterator[Handled]:
    """Import each message of a source that was surveyed, and add it to `counts`. A dry run stores nothing.

    A message is stored whole or not at all, and an external id once. Raises UnreadableFile.
    """
    counts.notes = source.notes
    for found, rows in source.messages():
        counts.rows += found.rows
        parts = source.parts(found, rows)
        try:
            message = _message(source, found, parts)
            result = _try(found, message, parts, counts) if dry_run else _store(source, found, message, parts)
        except IntakeError as error:
            counts.refuse(error.errors)
            yield Handled(found, None, error.errors)
        else:
            counts.add(result)
            yield Handled(found, result, [])


def _message(source: Source, found: Found, parts: Iterable[list[RecipientInput]]) -> MessageInput:
    """Return the message without its recipients. Raises IntakeError, with what is wrong in all of its rows as well."""
    try:
        return source.message(found)
    except IntakeError as error:
        errors = error.errors
    try:
        deque(parts, maxlen=0)
    except IntakeError as error:
        errors = errors + error.errors
    raise IntakeError(errors)


def _store(source: Source, found: Found, message: MessageInput, parts: Iterable[list[RecipientInput]]) -> IntakeResult:
    result = add_message_in_parts(message, parts, line=found.first_row)
    if result.differs:
        note = _("Messages that are here with the same id and another %(fields)s: they stay as they are.")
        source.notes[note % {"fields": ", ".join(result.differs)}] += 1
    return result


def _try(
    found: Found, message: MessageInput, parts: Iterable[list[RecipientInput]], counts: ImportCounts
) -> IntakeResult:
    """Read a whole message and store nothing. Raises IntakeError."""
    stored = SentMessage.objects.filter(external_id=found.external_id).values_list("pk", flat=True).first()
    recipients = deliveries = unusable = 0
    for part in parts:
        recipients += len(part)
        devices = [device for recipient in part for device in recipient.devices.values()]
        without = sum(not recipient.devices for recipient in part)
        deliveries += len(devices) + without * len(message.message.modes)
        unusable += sum(not device.usable for device in devices)
        counts.devices += islice(_preview(part), PREVIEWED - len(counts.devices))
    if len(counts.messages) < PREVIEWED:
        counts.messages.append(_shown(found, message))
    added = AddedCounts() if stored else AddedCounts(recipients, deliveries)
    return IntakeResult(stored or 0, found.external_id, created=not stored, added=added, unusable=unusable)


def _shown(found: Found, source: MessageInput) -> list[str]:
    message = source.message
    sender = message.sender_name or source.sender
    facts = [found.external_id, message.display_subject, message.message_type, sender, time_text(message.created_at)]
    return [*facts, message.display_modes, f"{found.rows:,}"]


def _preview(recipients: Iterable[RecipientInput]) -> Iterator[list[str]]:
    """Yield the devices as they would be stored."""
    for recipient in recipients:
        student = recipient.student_name or recipient.student_number
        for device in recipient.devices.values():
            yield [recipient.name, student, *_cells(device)]
        if not recipient.devices:
            yield [recipient.name, student, "", "", str(DeliveryStatus.NO_DEVICE.label), "", ""]


def _cells(device: DeviceInput) -> list[str]:
    address = "" if device.mode is Mode.INBOX else device_text(device.mode, device.address, device.given_address)
    detail = detail_text(device.mode, device.detail, device.code)
    moment = device.last_attempt_at
    return [str(device.mode.label), address, str(device.status.label), detail, time_text(moment) if moment else ""]
