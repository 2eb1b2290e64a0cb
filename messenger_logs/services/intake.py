"""Store incoming messages: whole ones, and recipients for messages that exist.

Each call is one transaction and writes its rows by COPY. A call may be repeated: rows that exist stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from messenger_logs.choices import CANCELABLE, CANCELED, DeliveryStatus, MessageStatus, Mode
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
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.json_fields import FieldError, IntakeError
from messenger_logs.services.message_format import read_message, read_recipients
from messenger_logs.services.message_inputs import DeviceInput, MessageInput, RecipientInput
from messenger_logs.services.message_status import extend_dispatch, reopen, settle_status
from messenger_logs.services.senders import check_may_add_recipients, settle_sender
from messenger_logs.services.students import fill_student_schools
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.signals import deliveries_stored

__all__ = [
    "AddedCounts",
    "FieldError",
    "IntakeError",
    "IntakeResult",
    "add_message",
    "add_message_in_parts",
    "add_recipients",
]

# Two inputs are the same message where these fields agree. The status and the times of dispatch are not among them,
# because they change while the message runs.
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
    """How many rows a call added to a message."""

    recipients: int = 0
    deliveries: int = 0

    def __add__(self, other: AddedCounts) -> AddedCounts:
        return AddedCounts(self.recipients + other.recipients, self.deliveries + other.deliveries)


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The result of `add_message`.

    Where `created` is False the message exists and stays as it was; `differs` then names the fields in which the input
    is another message. ``unusable`` counts the devices that are an error because nothing can go to their address.
    """

    message_id: int
    external_id: str
    created: bool
    added: AddedCounts = AddedCounts()
    differs: tuple[str, ...] = ()
    unusable: int = 0


def add_message(data: object, *, line: int = 1, by: User | None = None) -> IntakeResult:
    """Store one message with its recipients, in the format of docs/import.md; all of it or nothing.

    An external id that exists changes nothing, even where another process stores it at the same moment. Raises
    IntakeError; `line` is the line of the message in its file. `by` is the account that adds it: MissingRight is raised
    if it may not send. Without it, as in a command, everything is allowed.
    """
    source = read_message(data, line=line, sender_known=by is not None)
    if by:
        settle_sender(source, by=by)
    return add_message_in_parts(source, [source.recipients], line=line)


def add_message_in_parts(source: MessageInput, parts: Iterable[list[RecipientInput]], *, line: int = 1) -> IntakeResult:
    """Store one message whose recipients come in parts, all in one transaction, so memory holds one part at a time.

    A person, a student and a device may come again in a later part. `parts` may raise IntakeError; then nothing is
    stored. It is read once, and `source.recipients` is not read. Otherwise as `add_message`.
    """
    try:
        with transaction.atomic():
            return _add_message(source, parts)
    except DatabaseError as error:
        raise _refusal(error, line) from None


def add_recipients(
    message: SentMessage, recipients: Iterable[object], *, first_line: int = 1, by: User | None = None
) -> AddedCounts:
    """Append recipients with their devices to a message; all of them or nothing.

    A recipient or device that the message has already stays as it is. Raises IntakeError, also where the message was
    canceled; its lines count the recipients from `first_line`. `by` as for `add_message`.
    """
    if by:
        check_may_add_recipients(message, by=by)
    inputs = read_recipients(enumerate(recipients, first_line), modes=[Mode(mode) for mode in message.modes])
    try:
        with transaction.atomic():
            lock_totals(message_id=message.pk)
            locked = SentMessage.objects.select_for_update(no_key=True).get(pk=message.pk)
            if locked.cancel_asked_at or locked.status in CANCELED:
                raise IntakeError([FieldError(first_line, "", _("is for a message that was canceled"))])
            added, deliveries = _append(locked, inputs, _Known.of(locked, inputs))
            recount(message_id=message.pk)
            settle_status(message_id=message.pk)
            deliveries_stored.send(SentMessage, message_id=message.pk, deliveries=deliveries)
            if message.deliveries.filter(status=DeliveryStatus.WAITING, duplicate=False).exists():
                reopen(message_id=message.pk)
            return added
    except DatabaseError as error:
        raise _refusal(error, first_line) from None


def _refusal(error: DatabaseError, line: int) -> Exception:
    """An IntakeError where the data is wrong (SQLSTATE: bad data, constraint, limit); else the error itself.

    The database's own message is no part of it, because it repeats the values.
    """
    state = str(getattr(error.__cause__, "pgcode", None) or "")
    if state[:2] not in {"22", "23", "54"}:
        return error
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    reason = {"reason": constraint or f"SQLSTATE {state}"}
    return IntakeError([FieldError(line, "", _("cannot be stored: %(reason)s") % reason)])


def _add_message(source: MessageInput, parts: Iterable[list[RecipientInput]]) -> IntakeResult:
    message = source.message
    external_id = message.external_id
    assert external_id
    stored = SentMessage.objects.filter(external_id=external_id).first()
    if stored is None:
        calendars = _connect(source)
        message.status = source.status or MessageStatus.WAITING
        # Another process that inserts this external id waits here until this transaction has ended.
        values = {column.attname: getattr(message, column.attname) for column in message._meta.concrete_fields}
        del values["id"], values["external_id"]
        stored, created = SentMessage.objects.get_or_create(external_id=external_id, defaults=values)
        if created:
            stored.calendars.set(calendars)
            appended = _append_parts(stored, parts)
            recount(message_id=stored.pk)
            if appended.last_attempt_at:
                extend_dispatch(message_id=stored.pk, until=appended.last_attempt_at)
            if source.status is None or (message.dispatched_here and source.status in CANCELABLE):
                # What has nothing to send here would wait without an end.
                settle_status(message_id=stored.pk)
            deliveries_stored.send(SentMessage, message_id=stored.pk, deliveries=appended.deliveries)
            return IntakeResult(stored.pk, external_id, created=True, added=appended.added, unusable=appended.unusable)
    return IntakeResult(stored.pk, external_id, created=False, differs=_differences(stored, source, parts))


def _connect(source: MessageInput) -> list[Calendar]:
    """Set the sender and the school of the message, and return its calendars; make those that do not exist.

    Schools and then calendars come in the order of their names, so that two processes never wait for each other.
    """
    message = source.message
    message.sender = User.objects.filter(username__iexact=source.sender).first() if source.sender else None
    message.sender_name = message.sender_name or (message.sender.listed_name if message.sender else source.sender)
    schools = _schools(
        [source.school, *(school for school, _, _ in source.calendars), *_student_schools(source.recipients)]
    )
    message.school_id = schools.get(source.school)
    return [
        Calendar.objects.get_or_create(school_id=schools[school], name=name, defaults={"school_year": year})[0]
        for school, name, year in source.calendars
    ]


def _schools(names: Iterable[str]) -> dict[str, int]:
    """The ids of the schools with these names, in the order of the names; make those that do not exist."""
    wanted = sorted({name for name in names if name})
    ids = dict(School.objects.filter(name__in=wanted).values_list("name", "pk"))
    return {name: ids.get(name) or School.objects.get_or_create(name=name)[0].pk for name in wanted}


def _student_schools(recipients: Iterable[RecipientInput]) -> set[str]:
    return {recipient.student_school for recipient in recipients}


@dataclass(slots=True)
class _Appended:
    """What came with the parts of a message: how many devices nothing can go to, and when the last attempt was."""

    added: AddedCounts = AddedCounts()
    deliveries: list[int] = field(default_factory=list)
    unusable: int = 0
    last_attempt_at: datetime | None = None


def _append_parts(message: SentMessage, parts: Iterable[list[RecipientInput]]) -> _Appended:
    """Append the recipients of a new message."""
    result = _Appended()
    for inputs in parts:
        # Of the first part the message has nothing yet.
        known = _Known.of(message, inputs) if result.added.recipients else _Known()
        added, deliveries = _append(message, inputs, known)
        result.added += added
        result.deliveries += deliveries
        devices = [device for recipient in inputs for device in recipient.devices.values()]
        result.unusable += sum(not device.usable for device in devices)
        attempts = (moment for device in devices if (moment := device.last_attempt_at))
        result.last_attempt_at = max(filter(None, [result.last_attempt_at, *attempts]), default=None)
    return result


def _differences(stored: SentMessage, source: MessageInput, parts: Iterable[list[RecipientInput]]) -> tuple[str, ...]:
    differs = [name for name in _IDENTITY if getattr(stored, name) != getattr(source.message, name)]
    if source.message.sender_name and source.message.sender_name != stored.sender_name:
        differs.append("sender_name")
    if source.school != (stored.school.name if stored.school else ""):
        differs.append("school")
    if {(school, name) for school, name, _ in source.calendars} != set(
        stored.calendars.values_list("school__name", "name")
    ):
        differs.append("calendars")
    if any(_has_others(stored, inputs) for inputs in parts):
        differs.append("recipients")
    return tuple(differs)


def _has_others(stored: SentMessage, recipients: list[RecipientInput]) -> bool:
    """Whether a recipient or device is not in the message. The message may have more: somebody appended them."""
    wanted: set[tuple[str, ...]] = {
        (*recipient.key, *device) for recipient in recipients for device in recipient.devices
    }
    wanted |= {recipient.key for recipient in recipients}
    columns = ("person_id", "student_number", "student_name", "deliveries__mode", "deliveries__address")
    found = stored.recipients.all()
    if len(recipients) <= ROWS_A_COPY:
        found = found.filter(person_id__in={recipient.person_id for recipient in recipients})
    for row in found.values_list(*columns).iterator(chunk_size=ROWS_A_COPY):
        wanted.discard(row)
        wanted.discard(row[:3])
    return bool(wanted)


@dataclass(slots=True)
class _Known:
    """The rows of a message that concern the recipients to add."""

    recipients: dict[tuple[str, str, str], int] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    counting: Counting = field(default_factory=dict)
    devices: dict[int, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, message: SentMessage, inputs: list[RecipientInput]) -> _Known:
        known = cls()
        for recipient in message.recipients.filter(person_id__in={recipient.person_id for recipient in inputs}):
            known.recipients[recipient.person_id, recipient.student_number, recipient.student_name] = recipient.pk
            known.people.add(recipient.person_id)
        deliveries = Delivery.objects.filter(recipient__in=known.recipients.values())
        for recipient_id, mode, address in deliveries.values_list("recipient", "mode", "address"):
            known.devices.setdefault(recipient_id, set()).add((mode, address))
        for mode in Mode:
            wanted = {address for recipient in inputs for of, address in recipient.devices if of == mode and address}
            for row in message.deliveries.filter(mode=mode, address__in=wanted, duplicate=False).exclude(address=""):
                device = DeviceInput(mode, row.address, DeliveryStatus(row.status), row.detail, row.code)
                device.time = row.last_attempt_at
                device.email_outcome, device.email_reason = row.email_outcome, row.email_reason
                device.email_outcome_at, device.email_linked_by = row.email_outcome_at, row.email_linked_by
                known.counting[device.key] = device
        return known


def _append(message: SentMessage, inputs: list[RecipientInput], known: _Known) -> tuple[AddedCounts, list[int]]:
    """Add what is missing. Returns how many rows it added, and the ids of the deliveries."""
    new = [recipient for recipient in inputs if recipient.key not in known.recipients]
    new_ids = reserve(Recipient, len(new))
    known.recipients |= zip((recipient.key for recipient in new), new_ids, strict=True)
    fill_student_schools(new)
    schools = _schools(_student_schools(new))
    copy_rows(Recipient, RECIPIENT, recipient_rows(message, new_ids, new, known.people, schools))

    missing: list[tuple[int, DeviceInput]] = []
    for recipient in inputs:
        pk = known.recipients[recipient.key]
        here = known.devices.get(pk, set())
        missing += [(pk, device) for device in _devices(message, recipient, here) if device.key not in here]
    _forget_no_device(missing, known)
    ids = reserve(Delivery, len(missing))
    copy_rows(Delivery, DELIVERY, delivery_rows(message, ids, missing, known.counting))
    copy_rows(DeviceAttempt, ATTEMPT, attempt_rows(ids, missing))
    note_contacts(deliveries=ids)
    return AddedCounts(recipients=len(new), deliveries=len(missing)), ids


def _devices(message: SentMessage, recipient: RecipientInput, here: set[tuple[str, str]]) -> Iterable[DeviceInput]:
    """The devices of a recipient; without any, a No Device row for each mode of the message."""
    if recipient.devices or here:
        return recipient.devices.values()
    return [DeviceInput(Mode(mode), "", DeliveryStatus.NO_DEVICE) for mode in message.modes]


def _forget_no_device(missing: list[tuple[int, DeviceInput]], known: _Known) -> None:
    """Delete the No Device rows of recipients that now get a device of that mode."""
    for mode in Mode:
        found = [
            pk
            for pk, device in missing
            if device.mode == mode and device.address and (mode, "") in known.devices.get(pk, set())
        ]
        if found:
            Delivery.objects.filter(recipient__in=found, mode=mode, status=DeliveryStatus.NO_DEVICE).delete()
