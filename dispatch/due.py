"""What is due: which messages begin, and which of those that run have something to hand over, the most urgent first."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from dispatch.services.calling_hours import calls_allowed
from messenger_logs.choices import NOT_LEFT, PHONE, DeliveryStatus, MessageType, Mode, Outcome, RedialRule
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.statuses import CODES, Code

EMERGENCY = Q(message_type=MessageType.EMERGENCY)
# Messages of other engines than 2.0 know no urgency: they go with the general ones.
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


def not_left(mode: Mode | None = None) -> QuerySet[Delivery]:
    """Deliveries (of a mode) of which nothing has left yet. A duplicate follows its first row, and never leaves."""
    rows = Delivery.objects.filter(outcome=Outcome.PENDING, status__in=NOT_LEFT, duplicate=False)
    return rows.filter(mode=mode) if mode else rows


def start_time(message: SentMessage, mode: Mode) -> datetime:
    """When a mode of a message begins: the same as _STARTS, of one that was read."""
    own = message.voice_start_at if mode in PHONE else message.email_start_at
    return own or message.scheduled_at


def messages_to_start(now: datetime) -> QuerySet[SentMessage]:
    """Waiting messages of which a mode that is due has something to hand over."""
    waiting = SentMessage.objects.scheduled().filter(dispatched_here=True)
    due = Q()
    for mode, starts in _STARTS.items():
        waiting = waiting.alias(**{f"{mode.value}_starts": starts})
        due |= Q(Exists(not_left(mode).filter(message=OuterRef("pk"))), **{f"{mode.value}_starts__lte": now})
    return waiting.filter(due)


def messages_due(mode: Mode, now: datetime) -> QuerySet[SentMessage]:
    """Running messages with something of this mode to hand over now: emergencies, then priority, then the others."""
    messages = running(mode, now)
    if mode is Mode.VOICE and not calls_allowed(now):
        messages = messages.filter(EMERGENCY)
    redials = Redial.objects.filter(message=OuterRef("pk"), mode=mode, claim__isnull=True, due_at__lte=now)
    has_some = Exists(not_left(mode).filter(message=OuterRef("pk"))) | Exists(redials)
    return messages.filter(has_some).order_by(_URGENCY, _STARTS[mode], "pk")


def messages_to_restrict(now: datetime) -> QuerySet[SentMessage]:
    """Running messages whose calls are due at an hour at which nobody may be called."""
    if calls_allowed(now):
        return SentMessage.objects.none()
    waiting = not_left(Mode.VOICE).filter(message=OuterRef("pk"), status=DeliveryStatus.WAITING)
    return running(Mode.VOICE, now).filter(~EMERGENCY, Exists(waiting))


def needs_redial(code: Code) -> bool:
    """Whether a device that came to this code is tried again. After "provider" the provider does it."""
    if code.redial is RedialRule.SETTING:
        return bool(settings.REDIAL_ANSWERING_MACHINES)
    return code.redial in {RedialRule.YES, RedialRule.WINDOW}


def reached_after_all() -> Q:
    """Redials of devices of which something better was told since."""
    asking = [code.number for code in CODES.values() if needs_redial(code)]
    settled = Q(delivery__code__isnull=True) | ~Q(delivery__code__in=asking)
    return Q(delivery__outcome=Outcome.SUCCESS) & settled


def running(mode: Mode, now: datetime) -> QuerySet[SentMessage]:
    """Messages of ours that run, and of which this mode has begun."""
    ours = SentMessage.objects.running().filter(dispatched_here=True, modes__contains=[mode])
    return ours.alias(starts=_STARTS[mode]).filter(starts__lte=now)
