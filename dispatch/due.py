"""What is due: the messages to start, and the running messages with deliveries to hand over, the most urgent first."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, IntegerField, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from core.clock import has_come
from dispatch.services.calling_hours import calls_allowed
from messenger_logs.choices import NOT_LEFT, PHONE, DeliveryStatus, MessageType, Mode, Outcome, RedialRule
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.statuses import CODES, Code

EMERGENCY = Q(message_type=MessageType.EMERGENCY)
# Only messages of engine 2.0 have an urgency. The others count as general.
_URGENCY = Case(
    When(EMERGENCY, then=Value(0)),
    When(message_type=MessageType.PRIORITY, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)
_STARTS = {
    Mode.INBOX: Coalesce("email_start_at", "scheduled_at"),
    Mode.EMAIL: Coalesce("email_start_at", "scheduled_at"),
    Mode.VOICE: Coalesce("voice_start_at", "scheduled_at"),
    Mode.TEXT: Coalesce("voice_start_at", "scheduled_at"),
}


def redial_due(now: datetime) -> Q:
    """Whether a redial is due. A call that has to wait for the morning waits for less than two days."""
    return has_come("due_at", now, at_most=timedelta(days=2))


def not_left(mode: Mode | None = None) -> QuerySet[Delivery]:
    """Return the deliveries (of a mode) that no provider got yet. A duplicate follows its first row and is not sent."""
    rows = Delivery.objects.filter(outcome=Outcome.PENDING, status__in=NOT_LEFT, duplicate=False)
    return rows.filter(mode=mode) if mode else rows


def unclaimed(mode: Mode) -> QuerySet[Delivery]:
    """Return the deliveries of a mode that have not left and that no worker has in hand."""
    return not_left(mode).filter(claim=None)


def start_time(message: SentMessage, mode: Mode) -> datetime:
    """Return when a mode of a message starts. The rule is the same as in _STARTS, for a message in memory."""
    own = message.voice_start_at if mode in PHONE else message.email_start_at
    return own or message.scheduled_at


def messages_to_start(now: datetime) -> QuerySet[SentMessage]:
    """Return the waiting messages that have a due mode with deliveries to hand over."""
    waiting = SentMessage.objects.scheduled().filter(dispatched_here=True)
    due = Q()
    for mode, starts in _STARTS.items():
        waiting = waiting.alias(**{f"{mode.value}_starts": starts})
        due |= Q(Exists(unclaimed(mode).filter(message=OuterRef("pk"))), **{f"{mode.value}_starts__lte": now})
    return waiting.filter(due)


def messages_due(mode: Mode, now: datetime) -> QuerySet[SentMessage]:
    """Return the running messages with deliveries of this mode to hand over now.

    Emergencies come first, then priority messages, then the others.
    """
    messages = running(mode, now)
    if mode is Mode.VOICE and not calls_allowed(now):
        messages = messages.filter(EMERGENCY)
    redials = Redial.objects.filter(redial_due(now), message=OuterRef("pk"), mode=mode, claim__isnull=True)
    has_work = Exists(unclaimed(mode).filter(message=OuterRef("pk"))) | Exists(redials)
    return messages.filter(has_work).order_by(_URGENCY, _STARTS[mode], "pk")


def messages_late(mode: Mode, since: datetime) -> QuerySet[SentMessage]:
    """Return the messages of which something of this mode is due since that time, and no worker has it in hand."""
    waiting = SentMessage.objects.scheduled().filter(dispatched_here=True).alias(starts=_STARTS[mode])
    late = waiting.filter(Exists(unclaimed(mode).filter(message=OuterRef("pk"))), starts__lte=since)
    return SentMessage.objects.filter(Q(pk__in=late.values("pk")) | Q(pk__in=messages_due(mode, since).values("pk")))


def oldest_due(mode: Mode, now: datetime) -> datetime | None:
    """Return since when something of this mode is due that no worker has in hand; None if nothing is."""
    allowed = SentMessage.objects.cancelable().filter(dispatched_here=True, modes__contains=[mode])
    if mode is Mode.VOICE and not calls_allowed(now):
        allowed = allowed.filter(EMERGENCY)
    waiting = allowed.filter(Exists(unclaimed(mode).filter(message=OuterRef("pk")))).annotate(starts=_STARTS[mode])
    redials = Redial.objects.filter(redial_due(now), mode=mode, claim__isnull=True, message__in=allowed)
    found = [
        waiting.filter(starts__lte=now).aggregate(first=Min("starts"))["first"],
        redials.aggregate(first=Min("due_at"))["first"],
    ]
    return min((moment for moment in found if moment), default=None)


def messages_to_restrict(now: datetime) -> QuerySet[SentMessage]:
    """Return the running messages whose calls are due now, outside of the allowed hours."""
    if calls_allowed(now):
        return SentMessage.objects.none()
    waiting = unclaimed(Mode.VOICE).filter(message=OuterRef("pk"), status=DeliveryStatus.WAITING)
    return running(Mode.VOICE, now).filter(~EMERGENCY, Exists(waiting))


def needs_redial(code: Code) -> bool:
    """Whether we try a device again after this code. With the rule "provider" the provider tries again, not we."""
    if code.redial is RedialRule.SETTING:
        return bool(settings.REDIAL_ANSWERING_MACHINES)
    return code.redial in {RedialRule.YES, RedialRule.WINDOW}


def reached_after_all() -> Q:
    """Return the condition for redials of devices that a later report calls reached."""
    redial_codes = [code.number for code in CODES.values() if needs_redial(code)]
    settled = Q(delivery__code__isnull=True) | ~Q(delivery__code__in=redial_codes)
    return Q(delivery__outcome=Outcome.SUCCESS) & settled


def running(mode: Mode, now: datetime) -> QuerySet[SentMessage]:
    """Return the running messages that this installation sends and whose start time for this mode has come."""
    sent_here = SentMessage.objects.running().filter(dispatched_here=True, modes__contains=[mode])
    return sent_here.alias(starts=_STARTS[mode]).filter(starts__lte=now)
