"""The status of a message, from the results of its deliveries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from messenger_logs.choices import CANCELABLE, MessageStatus
from messenger_logs.models import Redial, SentMessage
from messenger_logs.totals import ModeTotals, mode_totals_of

# The statuses that each status may follow. A status never goes back, and a cancel stays.
_FOLLOWS = {
    MessageStatus.WAITING: {MessageStatus.NO_RECIPIENTS},
    MessageStatus.IN_PROGRESS: {MessageStatus.WAITING, MessageStatus.NO_RECIPIENTS},
    MessageStatus.SENT: {*CANCELABLE, MessageStatus.NO_RECIPIENTS, MessageStatus.ERROR},
    MessageStatus.ERROR: {*CANCELABLE, MessageStatus.NO_RECIPIENTS, MessageStatus.SENT},
    MessageStatus.NO_RECIPIENTS: {*CANCELABLE},
    MessageStatus.CANCELED: {*CANCELABLE},
    MessageStatus.CANCELED_IN_PROGRESS: {*CANCELABLE},
}

_FINAL = {MessageStatus.SENT, MessageStatus.ERROR}


def status_from(modes: Collection[ModeTotals]) -> MessageStatus:
    """The status that the totals of its modes give to a message that nobody canceled here.

    Sent: the provider got all of it, and may never report more about a part. Error: the provider got nothing of one
    mode. No Recipients: nobody is in it, or none of its people has a device that may be used.
    """
    if not any(mode.eligible for mode in modes):
        return MessageStatus.NO_RECIPIENTS
    if any(mode.open for mode in modes):
        begun = any(mode.attempts or mode.pending < mode.eligible for mode in modes)
        return MessageStatus.IN_PROGRESS if begun else MessageStatus.WAITING
    if all(mode.canceled == mode.eligible for mode in modes):
        # Nobody canceled it here, so its engine did.
        return MessageStatus.CANCELED_IN_PROGRESS if any(mode.attempts for mode in modes) else MessageStatus.CANCELED
    return MessageStatus.ERROR if any(mode.handoff_failed for mode in modes) else MessageStatus.SENT


def settle_status(*, message_id: int) -> bool:
    """Set a message's status from its kept totals, but no final status while a redial is due.

    Returns whether it changed.
    """
    status = status_from(mode_totals_of(message_id))
    if status in _FINAL and Redial.objects.filter(message=message_id).exists():
        return False
    return bool(SentMessage.objects.filter(pk=message_id, status__in=_FOLLOWS[status]).update(status=status))


def extend_dispatch(*, message_id: int, until: datetime) -> None:
    """Move the end of a finished message to a later result: a call that rang on belongs to its duration.

    A canceled message ended with its cancel, whatever is reported later.
    """
    finished = SentMessage.objects.filter(pk=message_id, dispatch_finished_at__lt=until, cancel_asked_at=None)
    finished.update(dispatch_finished_at=until)


def reopen(*, message_id: int) -> bool:
    """Let a finished message of this installation run again, because there is more of it to hand over.

    A cancel stays. Returns whether the message was finished.
    """
    finished = SentMessage.objects.filter(pk=message_id, status__in=_FINAL, dispatched_here=True)
    return bool(finished.update(status=MessageStatus.IN_PROGRESS, dispatch_finished_at=None))
