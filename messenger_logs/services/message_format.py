"""The format of an incoming message, as docs/import.md describes it. It is read and checked without the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from core.languages import english
from messenger_logs.choices import DeliveryStatus, Engine, MessageStatus, MessageType, Mode
from messenger_logs.languages import normalized_language
from messenger_logs.models import Calendar, Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.services.addresses import read_device
from messenger_logs.services.json_fields import Errors, FieldError, Fields, IntakeError, squeezed
from messenger_logs.services.message_ids import bare_message_id
from messenger_logs.services.message_inputs import AttemptInput, DeviceInput, MessageInput, RecipientInput
from messenger_logs.statuses import BAD_DATA, STATUSES, code_of, detail_of

SMALLINT = 2**15 - 1


class _SentBy(models.TextChoices):
    HERE = "here", "here"
    ELSEWHERE = "elsewhere", "elsewhere"


def read_message(data: object, *, line: int, sender_known: bool = False) -> MessageInput:
    """Read a whole message. Raises IntakeError with all its errors.

    A message that is sent from here needs no sender if the caller knows who sends it.
    """
    errors = Errors(line)
    if not isinstance(data, dict):
        raise IntakeError([FieldError(line, "", _("is not a JSON object"))])
    fields = Fields(data, errors)
    message = _message(fields)
    status = fields.choice("status", _MESSAGE_STATUSES)
    sender, school = fields.line("sender", 150), fields.line("school", limit(School, "name"))
    message.sender_name = fields.line("sender_name", limit(SentMessage, "sender_name"))
    if not sender and not message.sender_name and not (sender_known and message.dispatched_here):
        fields.wrong("sender_name", _("is missing, and so is sender"))
    calendars = [_calendar(one, school) for one in fields.objects("calendars")]
    modes = [Mode(mode) for mode in message.modes]
    recipients = merge_recipients(_recipient(one, modes) for one in fields.objects("recipients"))
    if message.dispatched_here:
        _check_it_can_go_out(fields, message, recipients)
    fields.done()
    errors.raise_if_any()
    return MessageInput(message, status, sender, school, sorted(set(calendars)), recipients)


def _check_it_can_go_out(fields: Fields, message: SentMessage, recipients: list[RecipientInput]) -> None:
    """Refuse a message that this installation could not send completely."""
    if message.attachments:
        fields.wrong("attachments", _("cannot go out from here: only their names are taken in"))
    devices = (device for recipient in recipients for device in recipient.devices.values())
    if any(device.status == DeliveryStatus.IN_PROGRESS for device in devices):
        fields.wrong("recipients", _("have a device that is In-Progress, which nobody here would bring to its end"))


def read_recipients(lines: Iterable[tuple[int, object]], *, modes: list[Mode]) -> list[RecipientInput]:
    """Read recipients for a message of these modes, each with the number of its line. Raises IntakeError."""
    errors = Errors()

    def read() -> Iterator[RecipientInput]:
        for errors.line, data in lines:
            if isinstance(data, dict):
                yield _recipient(Fields(data, errors), modes)
            else:
                errors.add("", _("is not a JSON object"))

    recipients = merge_recipients(read())
    errors.raise_if_any()
    return recipients


def limit(model: type[models.Model], name: str) -> int:
    """The maximum length of a text, from the column that holds it."""
    column = model._meta.get_field(name)
    assert isinstance(column, models.CharField)
    assert column.max_length
    return column.max_length


def _choices(choices: Iterable[Any]) -> dict[str, Any]:
    """Choices by label in English and by value, in the spelling for comparisons."""
    choices = list(choices)
    by_value = {squeezed(choice.value): choice for choice in choices}
    return {squeezed(english(choice.label)): choice for choice in choices} | by_value


_ENGINES: Mapping[str, Engine] = _choices(Engine)
_MODES: Mapping[str, Mode] = _choices(Mode)
_MESSAGE_STATUSES: Mapping[str, MessageStatus] = _choices(MessageStatus)
_SENDERS: Mapping[str, _SentBy] = _choices(_SentBy)
_STATUSES: Mapping[Mode, Mapping[str, DeliveryStatus]] = {mode: _choices(STATUSES[mode]) for mode in Mode}

_LINES = {name: limit(SentMessage, name) for name in ("external_id", "subject", "schedule_id", "reply_to")}
_TYPE = limit(SentMessage, "message_type")
_CALENDAR = {name: limit(Calendar, name) for name in ("name", "school_year")}
_TEXTS_OF_A_PERSON = ("person_id", "name", "student_number", "student_name", "language")
_PERSON = {name: limit(Recipient, name) for name in _TEXTS_OF_A_PERSON}
_DEVICE = {name: limit(Delivery, name) for name in ("address", "detail", "provider_id")}
_ATTEMPT_PROVIDER_ID = limit(DeviceAttempt, "provider_id")


def _message(fields: Fields) -> SentMessage:
    engine = fields.choice("engine", _ENGINES, required=True)
    created_at = fields.moment("created_at", required=True)
    scheduled_at = fields.moment("scheduled_at")
    listed_from = fields.moment("listed_from")
    started, finished = fields.moment("dispatch_started_at"), fields.moment("dispatch_finished_at")
    if started and finished and finished < started:
        fields.wrong("dispatch_finished_at", _("is before dispatch_started_at"))
    # A required value that is None is an error already.
    values: dict[str, Any] = {
        "external_id": fields.line("external_id", _LINES["external_id"], required=True),
        "engine": engine,
        "message_type": _type(fields, engine),
        "subject": fields.line("subject", _LINES["subject"]),
        "schedule_id": fields.line("schedule_id", _LINES["schedule_id"]),
        "reply_to": fields.line("reply_to", _LINES["reply_to"]),
        "created_at": created_at,
        "scheduled_at": scheduled_at or created_at,
        "listed_from": listed_from or created_at,
        "email_start_at": fields.moment("email_start_at"),
        "voice_start_at": fields.moment("voice_start_at"),
        "drill": fields.flag("drill"),
        "dispatched_here": fields.choice("sent_by", _SENDERS) is _SentBy.HERE,
        "dispatch_started_at": started,
        "dispatch_finished_at": finished,
        "modes": _modes(fields),
        "bodies": _bodies(fields),
        "attachments": [_attachment(one) for one in fields.objects("attachments")],
        "criteria": _criteria(fields),
    }
    return SentMessage(**values)


def _type(fields: Fields, engine: Engine | None) -> str:
    """The message type. The types of 2.0 belong to that engine alone: rights and logs depend on them."""
    kind = fields.line("message_type", _TYPE, required=True)
    if engine and kind and (engine == Engine.V2) != (kind in MessageType.values):
        known = {"known": ", ".join(MessageType.values)}
        message = _("is none of: %(known)s") % known if engine == Engine.V2 else _("is a type of the engine v2")
        fields.wrong("message_type", message)
    return kind


def _modes(fields: Fields) -> list[Mode]:
    items = fields.items("modes", required=True)
    chosen = {_MODES.get(squeezed(item)) if isinstance(item, str) else None for item in items}
    if None in chosen:
        fields.wrong("modes", _("has one that is none of: %(known)s") % {"known": ", ".join(Mode.values)})
    return [mode for mode in Mode if mode in chosen]


def _bodies(fields: Fields) -> dict[str, str]:
    bodies = fields.texts("bodies")
    for mode in bodies.keys() - set(Mode.values):
        fields.wrong(f"bodies.{mode[:64]}", _("is none of: %(known)s") % {"known": ", ".join(Mode.values)})
    return bodies


def _attachment(fields: Fields) -> dict[str, object]:
    attachment: dict[str, object] = {
        "name": fields.line("name", 255, required=True),
        "size": fields.number("size", 0, 2**53),
    }
    fields.done()
    return attachment


def _criteria(fields: Fields) -> list[list[str]]:
    criteria = []
    for at, pair in enumerate(fields.items("criteria")):
        if isinstance(pair, list) and len(pair) == 2:
            criteria.append([fields.as_text(f"criteria[{at}]", part) for part in pair])
        else:
            fields.wrong(f"criteria[{at}]", _("is not a pair of label and value"))
    return criteria


def _calendar(fields: Fields, school: str) -> tuple[str, str, str]:
    school = fields.line("school", limit(School, "name")) or school
    if not school:
        fields.wrong("school", _("is missing, and the message has none"))
    name = fields.line("name", _CALENDAR["name"], required=True)
    year = fields.line("school_year", _CALENDAR["school_year"], required=True)
    fields.done()
    return school, name, year


def merge_recipients(recipients: Iterable[RecipientInput]) -> list[RecipientInput]:
    """One recipient for each person and student. A second one adds its devices to the first."""
    merged: dict[tuple[str, str, str], RecipientInput] = {}
    for recipient in recipients:
        known = merged.setdefault(recipient.key, recipient)
        if known is not recipient:
            known.add(recipient.devices.values())
            known.language = known.language or recipient.language
            known.student_school = known.student_school or recipient.student_school
    return list(merged.values())


def _recipient(fields: Fields, modes: list[Mode]) -> RecipientInput:
    recipient = RecipientInput(
        person_id=fields.line("person_id", _PERSON["person_id"], required=True),
        name=fields.line("name", _PERSON["name"], required=True),
        student_number=fields.line("student_number", _PERSON["student_number"]),
        student_name=fields.line("student_name", _PERSON["student_name"]),
        merge_fields=fields.texts("merge_fields"),
        language=normalized_language(fields.line("language", _PERSON["language"])),
        student_school=fields.line("student_school", limit(School, "name")),
    )
    devices = [_device(one, modes, recipient.person_id) for one in fields.objects("devices")]
    recipient.add(device for device in devices if device)
    fields.done()
    return recipient


def _device(fields: Fields, modes: list[Mode], person_id: str) -> DeviceInput | None:
    mode = fields.choice("mode", _MODES, required=True)
    if mode is None:
        return None  # the other fields cannot be checked without it
    if mode not in modes:
        fields.wrong("mode", _("is not one of the modes of the message"))
    attempts = _attempts(fields)
    code = fields.number("code", -SMALLINT - 1, SMALLINT)
    if code is None and attempts:
        code = attempts[-1].code
    of_code = None if code is None else code_of(code, mode)
    status = fields.choice("status", _STATUSES[mode])
    if status is None:
        status = of_code.status if of_code else DeliveryStatus.WAITING
    detail = fields.line("detail", _DEVICE["detail"]) or detail_of(code, mode, status)
    device = DeviceInput(mode, "", status, detail, code, attempts=attempts)
    _read_address(fields, device, person_id)
    device.provider_id = _provider_id(fields, device)
    device.time = fields.moment("time")
    fields.done()
    return device


def _provider_id(fields: Fields, device: DeviceInput) -> str:
    """Read what the provider calls it. Of an e-mail that is the Message-Id, and the last attempt may have it alone."""
    given = fields.line("provider_id", _DEVICE["provider_id"])
    if device.mode is not Mode.EMAIL:
        return given
    for attempt in device.attempts:
        attempt.provider_id = bare_message_id(attempt.provider_id)
    return bare_message_id(given) or (device.attempts[-1].provider_id if device.attempts else "")


def _read_address(fields: Fields, device: DeviceInput, person_id: str) -> None:
    text = fields.line("address", _DEVICE["address"], lenient=True)
    if device.status == DeliveryStatus.NO_DEVICE and text:
        fields.wrong("address", _("is given, and the status is No Device"))
    set_address(device, text, person_id=person_id)


def set_address(device: DeviceInput, text: str, *, person_id: str) -> None:
    """Give a device its address; for an inbox it is the person id. It is "" only where the status is No Device.

    Where nothing can go to it, also because it is missing, a device that waits is an error, and the rest of the message
    goes in. A device with a result keeps it: somebody sent to this address, or did not for this very reason.
    """
    if device.status == DeliveryStatus.NO_DEVICE:
        return
    if device.mode == Mode.INBOX and not text:
        device.address = person_id
    else:
        found = read_device(device.mode, text, person_id=person_id)
        device.address, device.given_address = found.canonical, found.given
        if found.error and device.status == DeliveryStatus.WAITING:
            device.status, device.detail, device.usable = DeliveryStatus.ERROR, BAD_DATA, False


def _attempts(fields: Fields) -> list[AttemptInput]:
    attempts = []
    for at, one in enumerate(fields.objects("attempts")):
        number = one.number("number", 1, SMALLINT)
        attempt = AttemptInput(
            number=number if number is not None else at + 1,
            started_at=one.moment("started_at"),
            ended_at=one.moment("ended_at"),
            code=one.number("code", -SMALLINT - 1, SMALLINT),
            provider_id=one.line("provider_id", _ATTEMPT_PROVIDER_ID),
        )
        if attempt.started_at and attempt.ended_at and attempt.ended_at < attempt.started_at:
            one.wrong("ended_at", _("is before started_at"))
        one.done()
        attempts.append(attempt)
    if len({attempt.number for attempt in attempts}) < len(attempts):
        fields.wrong("attempts", _("has a number twice"))
    return sorted(attempts, key=lambda attempt: attempt.number)
