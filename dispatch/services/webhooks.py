"""Requests that the voice and text provider sends: it asks what a call says, and reports keys, replies and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.ids import LARGEST_ID, read_number
from core.replays import FOREVER, take_once
from core.text import storable
from dispatch.keywords import Consent, consent_of
from dispatch.models import ReceivedWebhook
from dispatch.phone_text import phone_text
from dispatch.services.recording import record_reports
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import Delivery, DeviceAttempt, Reply, TextConsent
from messenger_logs.services.addresses import AddressError, phone_number
from messenger_logs.services.consents import record_consent
from messenger_logs.services.replies import record_reply
from messenger_logs.services.status_reports import StatusReport
from providers import voxology

# A provider repeats a request whose answer it did not get. If its texts have no id and no time, the same text from the
# same number counts as a repetition for so long, and as a new text later: a family may answer "ok" twice a day, and a
# reply that is kept twice does no harm.
REPEATED_WITHIN = timedelta(minutes=10)
# A repeated START does harm just after a STOP. There it counts as a repetition for as long as a provider repeats.
_START_REPEATED_WITHIN = timedelta(hours=24)
_LARGEST_ATTEMPT = 2**15 - 1


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call that this installation placed. ``text`` is what it says, without markup."""

    message_id: int
    delivery_id: int
    attempt: int
    text: str


def find_call(session_data: Mapping[str, Any]) -> PlacedCall | None:
    """Return the call that our own session data name. None: there is no such call, or its message was canceled."""
    message_id, delivery_id = (_number(session_data.get(name), LARGEST_ID) for name in ("message", "delivery"))
    attempt = _number(session_data.get("attempt"), _LARGEST_ATTEMPT)
    delivery = (
        Delivery.objects.filter(pk=delivery_id, message_id=message_id, mode=Mode.VOICE)
        .filter(message__dispatched_here=True, message__cancel_asked_at=None)
        .select_related("message", "recipient")
        .first()
    )
    if delivery is None or not attempt:
        return None
    text = phone_text(delivery.message, Mode.VOICE, delivery.recipient.merge_fields)
    return PlacedCall(message_id, delivery_id, attempt, text)


def confirm_call(call: PlacedCall, *, call_id: str, raw: str) -> None:
    """Record that a person pressed 0 after hearing the message. This stands, whatever the call log says later.

    The first report counts; the same again changes nothing.
    """
    report = StatusReport(
        delivery_id=call.delivery_id,
        attempt=call.attempt,
        code=voxology.LIVE_PERSON,
        status=DeliveryStatus.CONFIRMED,
        at=timezone.now(),
        provider_id=storable(call_id)[:200],
        raw=raw,
    )
    with transaction.atomic():
        if take_once(ReceivedWebhook, "confirmed", call.message_id, call.delivery_id, call.attempt):
            record_reports(call.message_id, Mode.VOICE, [report])


@transaction.atomic
def record_incoming_text(*, caller: str, text: str, raw: str, id: str = "", sent_at: datetime | None = None) -> None:
    """Record a text from a family: the consent that it gives or takes back, and what else it says, for staff.

    ``id`` and ``sent_at`` are the provider's, where it gives them. The same text again changes nothing.
    """
    known = (id, sent_at) if id or sent_at else None
    number, consent = _number_and_consent(caller, text)
    within = FOREVER if known else _repeated_within(number, consent)
    first = take_once(ReceivedWebhook, "text", caller, text, known or raw, within=within)
    # Without an id, a new STOP after a START looks like a repetition of the first STOP. It is obeyed all the same.
    if not first and (known or not (consent and consent.opted_out)):
        return
    at = min(sent_at or timezone.now(), timezone.now())
    if consent:
        record_consent(number=number, opted_out=consent.opted_out, at=at, raw=raw)
    if first and (consent is None or not consent.whole):
        record_reply(number=number, text=storable(text), at=at, taken_as=_taken_as(consent), raw=raw)


def _number_and_consent(caller: str, text: str) -> tuple[str, Consent | None]:
    """Return the caller's number, as it came where it is none, and the consent that the text changes."""
    try:
        number = phone_number(caller)
    except AddressError:
        return storable(caller), None
    consent = consent_of(text)
    if consent and consent.answer and not TextConsent.objects.filter(number=number, opted_out=True).exists():
        return number, None
    return number, consent


def _repeated_within(number: str, consent: Consent | None) -> timedelta:
    """Return for how long the same text without an id is a repetition."""
    if consent is None or consent.opted_out:
        return REPEATED_WITHIN
    lately = timezone.now() - REPEATED_WITHIN
    stopped = TextConsent.objects.filter(number=number, opted_out=True, said_at__gt=lately).exists()
    return _START_REPEATED_WITHIN if stopped else REPEATED_WITHIN


def _taken_as(consent: Consent | None) -> str:
    if consent is None:
        return ""
    return Reply.TakenAs.STOP if consent.opted_out else Reply.TakenAs.START


@transaction.atomic
def record_text_status(*, caller: str, id: str, status: str, raw: str) -> bool:
    """Record the status of a text that we sent. Returns whether there is a text with this id to this number.

    The same status again changes nothing.
    """
    try:
        number = phone_number(caller)
    except AddressError:
        return False
    # The number has an index, and one number gets few texts.
    attempts = DeviceAttempt.objects.filter(
        Q(delivery__address__iexact=number) | Q(delivery__address__istartswith=f"{number};"),
        delivery__mode=Mode.TEXT,
        delivery__message__dispatched_here=True,
    )
    found = attempts.filter(provider_id=storable(id)).select_related("delivery").first()
    if found is None:
        return False
    if not take_once(ReceivedWebhook, "receipt", found.delivery_id, found.number, id, status):
        return True
    code = voxology.code_of_text(status)
    report = StatusReport(
        delivery_id=found.delivery_id,
        attempt=found.number,
        code=code,
        status="" if code is not None else DeliveryStatus.NO_CALL_STATUS,
        detail="" if code is not None else storable(status)[:200],
        at=timezone.now(),
        provider_id=found.provider_id,
        raw=raw,
    )
    record_reports(found.delivery.message_id, Mode.TEXT, [report])
    return True


def _number(value: Any, largest: int) -> int:
    """Return a number from our own session data; 0 when it is none."""
    return read_number(str(value) if isinstance(value, str | int) else "", largest=largest) or 0
