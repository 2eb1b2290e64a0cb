"""Canceling a message: from the commit on nothing of it is claimed for hand-off; the rows follow in the background."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import record_audit_event
from core.dates import time_text
from messenger_logs.choices import CANCELABLE, CANCELED, MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.services.complete_cancel import StoppedAndLeft, stopped_and_left
from messenger_logs.tasks import stop_the_rest

ELSEWHERE = " Another system sends it: stop it there as well."


class Result(StrEnum):
    CANCELED = "canceled"
    ALREADY_CANCELED = "already_canceled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """What came of asking for a cancel, with the message and its figures as they are now."""

    result: Result
    message: SentMessage
    figures: StoppedAndLeft
    by: User
    """Who asked."""

    @property
    def words(self) -> str:
        """For whoever asked."""
        message, figures = self.message, self.figures
        match self.result:
            case Result.CANCELED:
                return f"The message is canceled: {figures.words}.{'' if message.dispatched_here else ELSEWHERE}"
            case Result.ALREADY_CANCELED if message.cancel_asked_at:
                who = "You" if message.canceled_by_id == self.by.pk else message.canceled_by_name
                at = time_text(message.cancel_asked_at, seconds=True)
                return f"{who} canceled this message already, on {at}: {figures.words}."
            case Result.ALREADY_CANCELED:
                return f"The system that sends this message had canceled it already: {figures.words}."
        return f"Nothing was canceled: the message is finished ({message.get_status_display()})."


def cancel_message(*, message_id: int, by: User) -> CancelAnswer:
    """Stop every delivery of a message that has not been claimed for hand-off.

    Cancels once, however often and by how many it is asked; the answer says what came of it. Claims hold the message's
    row while they look at its status: this update waits for those under way, and all later ones see it. Raises
    SentMessage.DoesNotExist.
    """
    with transaction.atomic():
        asked = (
            SentMessage.objects.filter(pk=message_id)
            .cancelable()
            .update(
                status=Case(
                    When(status=MessageStatus.WAITING, then=Value(MessageStatus.CANCELED)),
                    default=Value(MessageStatus.CANCELED_IN_PROGRESS),
                ),
                canceled_by=by,
                canceled_by_name=by.listed_name,
                cancel_asked_at=Now(),
            )
        )
        answer = _answer(message_id, by, canceled_now=bool(asked))
        if asked:
            _follow_up(answer)
    return answer


def _follow_up(answer: CancelAnswer) -> None:
    message, figures = answer.message, answer.figures
    details = {
        "message": message.pk,
        "status": message.get_status_display(),
        "stopped": figures.stopped,
        "left": figures.left,
    }
    record_audit_event(by=answer.by, action="message.canceled", target=message.display_subject, details=details)
    # Where no broker takes it, tasks.finish_cancels does it a little later.
    transaction.on_commit(lambda: stop_the_rest.delay(message.pk), robust=True)


def refused(*, message_id: int, by: User) -> CancelAnswer | None:
    """What a cancel would answer without canceling anything; None where it would cancel. Raises as cancel_message."""
    answer = _answer(message_id, by, canceled_now=False)
    return None if answer.message.status in CANCELABLE else answer


def _answer(message_id: int, by: User, *, canceled_now: bool) -> CancelAnswer:
    message = SentMessage.objects.defer("bodies", "criteria").get(pk=message_id)
    if canceled_now:
        result = Result.CANCELED
    elif message.status in CANCELED:
        result = Result.ALREADY_CANCELED
    else:
        result = Result.FINISHED
    return CancelAnswer(result, message, stopped_and_left(message_id), by)
