"""STOP and START: record whether a number takes texts, and make the message that shows it in Sent Message Log 2.0."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from messenger_logs.choices import NOT_TRIED, PHONE, DeliveryStatus, Engine, MessageStatus, MessageType, Mode
from messenger_logs.models import Delivery, DeviceAttempt, ErasedAddress, Recipient, SentMessage, TextConsent
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.erased import digests_of, erased_among
from messenger_logs.services.totals import recount
from messenger_logs.statuses import OUTCOMES, RANKS

# Nobody of the district sent it, so only people who see all messages see it.
_SENDER_NAME = "Recipient, by text"
UNKNOWN_PERSON = "unknown"
_UNKNOWN_PERSON = Recipient(person_id=UNKNOWN_PERSON, name="Number not on record")
# A number belongs to a family. A number that hundreds share is a switchboard.
_MOST_PEOPLE = 50


@transaction.atomic
def record_consent(*, number: str, opted_out: bool, at: datetime, raw: str) -> bool:
    """Record that a number (E.164) sent STOP or START; ``raw`` is the provider's report. Returns whether it changed.

    What the family said last counts, in whatever order the reports come; of one moment, STOP. Safe to repeat: the same
    report, or an older one, changes nothing and makes no second message. Of an erased number only a digest keeps it.
    """
    said = {"opted_out": opted_out, "said_at": at}
    known = ErasedAddress.objects.filter(digest__in=digests_of(number)).filter(Q(said_at=None) | Q(said_at__lt=at))
    known.update(**said)
    if erased_among([number]):
        return False
    consent, new = TextConsent.objects.select_for_update().get_or_create(number=number, defaults=said)
    if not new and (at, opted_out) <= (consent.said_at, consent.opted_out):
        return False
    # The same again moves the time: what was said between the two, and comes later, is older than the second one.
    TextConsent.objects.filter(pk=consent.pk).update(**said)
    changed = new or consent.opted_out != opted_out
    if changed:
        _make_message(number, opted_out, at, raw)
    return changed


def _make_message(number: str, opted_out: bool, at: datetime, raw: str) -> None:
    kind = MessageType.TEXT_OPT_OUT if opted_out else MessageType.TEXT_OPT_IN
    message = SentMessage.objects.create(
        engine=Engine.V2,
        message_type=kind,
        status=MessageStatus.SENT,
        subject=kind.label,
        sender_name=_SENDER_NAME,
        created_at=at,
        scheduled_at=at,
        listed_from=at,
        modes=[Mode.TEXT],
    )
    status = DeliveryStatus.OPT_OUT if opted_out else DeliveryStatus.DELIVERED
    detail = "Texted STOP" if opted_out else "Texted START"
    result = {"status": status, "detail": detail, "outcome": OUTCOMES[status]}
    deliveries = _make_deliveries(message, number, at, result)
    DeviceAttempt.objects.create(
        delivery=deliveries[0],
        number=1,
        ended_at=at,
        rank=RANKS[status],
        made=status not in NOT_TRIED,
        raw=raw,
        **result,
    )
    recount(message_id=message.pk)
    note_contacts(deliveries=[delivery.pk for delivery in deliveries])


def _make_deliveries(message: SentMessage, number: str, at: datetime, result: dict[str, str]) -> list[Delivery]:
    """Make a recipient of each person with this number, with a delivery. The first one counts."""
    recipients = Recipient.objects.bulk_create(
        Recipient(
            message=message,
            person_id=person.person_id,
            name=person.name,
            student_number=person.student_number,
            student_name=person.student_name,
            student_school_id=person.school_id,
            counted=True,
        )
        for person in people_with_number(number) or [_UNKNOWN_PERSON]
    )
    return Delivery.objects.bulk_create(
        Delivery(
            message=message,
            recipient=recipient,
            mode=Mode.TEXT,
            address=number,
            duplicate=place > 0,
            last_attempt_at=at,
            **result,
        )
        for place, recipient in enumerate(recipients)
    )


def people_with_number(number: str) -> list[Recipient]:
    """The people with this number, as the newest message to each of them names them; at most 50."""
    newest = recipients_with_number(number).order_by("person_id", "-message_id", "pk").distinct("person_id")
    return list(newest[:_MOST_PEOPLE])


def recipients_with_number(number: str) -> QuerySet[Recipient]:
    """The recipients of all messages who have this number; a recipient with two such devices comes twice."""
    return Recipient.objects.filter(deliveries__mode__in=PHONE, deliveries__address__iexact=number)
