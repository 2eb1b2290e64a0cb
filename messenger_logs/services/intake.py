"""The way in for messages: whole ones, and recipients for those that exist.

Each call is one transaction, takes its rows in by COPY, and may be repeated: what is here already stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import DatabaseError, transaction

from accounts.models import User
from messenger_logs.choices import CANCELED, DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import Calendar, Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.services.bulk_copy import (
    ATTEMPT,
    DELIVERY,
    RECIPIENT,
    ROWS_A_COPY,
    Counting,
    attempt_rows,
    copy_rows,
    delivery_rows,
    recipient_rows,
    reserve,
)
from messenger_logs.services.json_fields import FieldError, IntakeError
from messenger_logs.services.message_format import (
    DeviceInput,
    MessageInput,
    RecipientInput,
    read_message,
    read_recipients,
)
from messenger_logs.services.message_status import go_on, settle_status
from messenger_logs.services.totals import lock_totals, recount

__all__ = ["AddedCounts", "FieldError", "IntakeError", "IntakeResult", "add_message", "add_recipients"]

# What a message is told from another by. Its status and the times of its dispatch move on while it runs.
_IDENTITY = (
    "engine",
    "message_type",
    "subject",
    "schedule_id",
    "created_at",
    "scheduled_at",
    "listed_from",
    "email_start_at",
    "voice_start_at",
    "dispatched_here",
    "modes",
    "bodies",
    "attachments",
    "criteria",
    "reply_to",
)


@dataclass(frozen=True, slots=True)
class AddedCounts:
    """How many rows came to a message."""

    recipients: int = 0
    deliveries: int = 0


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of a message that was given.

    Where `created` is False it was here before, and stays as it was; `differs` then names the fields in which the one
    that was given is another message.
    """

    message_id: int
    external_id: str
    created: bool
    added: AddedCounts = AddedCounts()
    differs: tuple[str, ...] = ()


def add_message(data: object, *, line: int = 1) -> IntakeResult:
    """Take in one message with its recipients, in the format of docs/import.md; all of it or nothing.

    The same external id again, also from another process at the same moment, changes nothing and says so.
    Raises IntakeError; `line` is where the message stood in its file.
    """
    given = read_message(data, line=line)
    try:
        with transaction.atomic():
            return _add_message(given)
    except DatabaseError as error:
        raise _in_words(error, line) from None


def add_recipients(message: SentMessage, recipients: Iterable[object], *, first_line: int = 1) -> AddedCounts:
    """Append recipients with their devices to a message; all of them or nothing.

    A recipient or device that the message has already stays as it is. Raises IntakeError, also where the message was
    canceled; its lines count the recipients from `first_line`.
    """
    given = read_recipients(enumerate(recipients, first_line), modes=[Mode(mode) for mode in message.modes])
    try:
        with transaction.atomic():
            lock_totals(message_id=message.pk)
            held = SentMessage.objects.select_for_update(no_key=True).get(pk=message.pk)
            if held.cancel_asked_at or held.status in CANCELED:
                raise IntakeError([FieldError(first_line, "", "is for a message that was canceled")])
            added = _append(held, given, _Known.of(held, given))
            recount(message_id=message.pk)
            settle_status(message_id=message.pk)
            if message.deliveries.filter(status=DeliveryStatus.WAITING, duplicate=False).exists():
                go_on(message_id=message.pk)
            return added
    except DatabaseError as error:
        raise _in_words(error, first_line) from None


def _in_words(error: DatabaseError, line: int) -> Exception:
    """A refusal where the data is at fault (SQLSTATE: bad data, constraint, limit), not the connection or a lock.

    The database's own words stay out of it: they repeat the values.
    """
    state = str(getattr(error.__cause__, "pgcode", None) or "")
    if state[:2] not in {"22", "23", "54"}:
        return error
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return IntakeError([FieldError(line, "", f"cannot be stored: {constraint or f'SQLSTATE {state}'}")])


def _add_message(given: MessageInput) -> IntakeResult:
    message = given.message
    external_id = message.external_id
    assert external_id
    stored = SentMessage.objects.filter(external_id=external_id).first()
    if stored is None:
        calendars = _connect(given)
        message.status = given.status or MessageStatus.WAITING
        # Whoever else inserts this external id now waits here until this transaction has ended.
        values = {column.attname: getattr(message, column.attname) for column in message._meta.concrete_fields}
        del values["id"], values["external_id"]
        stored, created = SentMessage.objects.get_or_create(external_id=external_id, defaults=values)
        if created:
            stored.calendars.set(calendars)
            added = _append(stored, given.recipients, _Known())
            recount(message_id=stored.pk)
            if given.status is None:
                settle_status(message_id=stored.pk)
            return IntakeResult(stored.pk, external_id, created=True, added=added)
    return IntakeResult(stored.pk, external_id, created=False, differs=_differences(stored, given))


def _connect(given: MessageInput) -> list[Calendar]:
    """Find or make what the message refers to.

    Schools and then calendars in the order of their names, so that two processes never wait for each other.
    """
    message = given.message
    message.sender = User.objects.filter(username__iexact=given.sender).first() if given.sender else None
    message.sender_name = message.sender_name or (message.sender.listed_name if message.sender else given.sender)
    names = sorted({school for school, _, _ in given.calendars} | ({given.school} if given.school else set()))
    schools = {name: School.objects.get_or_create(name=name)[0] for name in names}
    message.school = schools.get(given.school)
    return [
        Calendar.objects.get_or_create(school=schools[school], name=name, defaults={"school_year": year})[0]
        for school, name, year in given.calendars
    ]


def _differences(stored: SentMessage, given: MessageInput) -> tuple[str, ...]:
    differs = [name for name in _IDENTITY if getattr(stored, name) != getattr(given.message, name)]
    if given.message.sender_name and given.message.sender_name != stored.sender_name:
        differs.append("sender_name")
    if given.school != (stored.school.name if stored.school else ""):
        differs.append("school")
    if {(school, name) for school, name, _ in given.calendars} != set(
        stored.calendars.values_list("school__name", "name")
    ):
        differs.append("calendars")
    if _has_others(stored, given.recipients):
        differs.append("recipients")
    return tuple(differs)


def _has_others(stored: SentMessage, recipients: list[RecipientInput]) -> bool:
    """Whether there is a recipient or device that the message does not have. It may have more: they were appended."""
    wanted: set[tuple[str, ...]] = {
        (*recipient.key, *device) for recipient in recipients for device in recipient.devices
    }
    wanted |= {recipient.key for recipient in recipients}
    columns = ("person_id", "student_number", "student_name", "deliveries__mode", "deliveries__address")
    for row in stored.recipients.values_list(*columns).iterator(chunk_size=ROWS_A_COPY):
        wanted.discard(row)
        wanted.discard(row[:3])
    return bool(wanted)


@dataclass(slots=True)
class _Known:
    """What a message has of the recipients that are to be added."""

    recipients: dict[tuple[str, str, str], int] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    counting: Counting = field(default_factory=dict)
    devices: dict[int, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, message: SentMessage, given: list[RecipientInput]) -> _Known:
        known = cls()
        for recipient in message.recipients.filter(person_id__in={recipient.person_id for recipient in given}):
            known.recipients[recipient.person_id, recipient.student_number, recipient.student_name] = recipient.pk
            known.people.add(recipient.person_id)
        deliveries = Delivery.objects.filter(recipient__in=known.recipients.values())
        for recipient_id, mode, address in deliveries.values_list("recipient", "mode", "address"):
            known.devices.setdefault(recipient_id, set()).add((mode, address))
        for mode in Mode:
            asked = {address for recipient in given for of, address in recipient.devices if of == mode and address}
            for row in message.deliveries.filter(mode=mode, address__in=asked, duplicate=False).exclude(address=""):
                told = DeviceInput(mode, row.address, DeliveryStatus(row.status), row.detail, row.code)
                told.time = row.last_attempt_at
                known.counting[told.key] = told
        return known


def _append(message: SentMessage, given: list[RecipientInput], known: _Known) -> AddedCounts:
    new = [recipient for recipient in given if recipient.key not in known.recipients]
    new_ids = reserve(Recipient, len(new))
    known.recipients |= zip((recipient.key for recipient in new), new_ids, strict=True)
    copy_rows(Recipient, RECIPIENT, recipient_rows(message, new_ids, new, known.people))

    missing: list[tuple[int, DeviceInput]] = []
    for recipient in given:
        pk = known.recipients[recipient.key]
        here = known.devices.get(pk, set())
        missing += [(pk, device) for device in _devices(message, recipient, here) if device.key not in here]
    _forget_no_device(missing, known)
    ids = reserve(Delivery, len(missing))
    copy_rows(Delivery, DELIVERY, delivery_rows(message, ids, missing, known.counting))
    copy_rows(DeviceAttempt, ATTEMPT, attempt_rows(ids, missing))
    return AddedCounts(recipients=len(new), deliveries=len(missing))


def _devices(message: SentMessage, recipient: RecipientInput, here: set[tuple[str, str]]) -> Iterable[DeviceInput]:
    """The devices of a recipient; of one without any, a row for each mode of the message that says so."""
    if recipient.devices or here:
        return recipient.devices.values()
    return [DeviceInput(Mode(mode), "", DeliveryStatus.NO_DEVICE) for mode in message.modes]


def _forget_no_device(missing: list[tuple[int, DeviceInput]], known: _Known) -> None:
    """Take away what said "No Device" of a recipient that gets a device of that mode after all."""
    for mode in Mode:
        found = [
            pk
            for pk, device in missing
            if device.mode == mode and device.address and (mode, "") in known.devices.get(pk, set())
        ]
        if found:
            Delivery.objects.filter(recipient__in=found, mode=mode, status=DeliveryStatus.NO_DEVICE).delete()
