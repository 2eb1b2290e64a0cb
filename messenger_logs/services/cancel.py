"""Cancel a message: after the commit nothing of it is claimed for hand-off. The rows follow in the background."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from django.db import transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import english
from core.queue import call_worker
from messenger_logs.cancel_figures import CancelFigures, cancel_figures
from messenger_logs.choices import CANCELABLE, CANCELED, MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.tasks import stop_the_rest


class Result(StrEnum):
    CANCELED = "canceled"
    ALREADY_CANCELED = "already_canceled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """The result of a request to cancel, with the message and its figures as they are now."""

    result: Result
    message: SentMessage
    figures: CancelFigures
    by: User
    """Who asked for it."""


def cancel_message(*, message_id: int, by: User) -> CancelAnswer:
    """Stop every delivery of a message that has not begun to leave.

    Idempotent: a message is canceled once, and the answer of a later call says so. A claim and a hand-over lock the
    message's row while they read the status. So this update waits for those that begin, and all later ones see the
    cancel. Raises SentMessage.DoesNotExist.
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
    # The figures follow when they are final: see close_cancel.
    message = answer.message
    details = {"message": message.pk, "status": english(MessageStatus(message.status).label)}
    record_audit_event(by=answer.by, action="message.canceled", target=message.recorded_name, details=details)
    # Where no broker takes the task, tasks.finish_cancels does it a little later.
    transaction.on_commit(partial(call_worker, stop_the_rest, message.pk), robust=True)


def check_cancel(*, message_id: int, by: User) -> CancelAnswer | None:
    """The answer of a cancel that would change nothing; None where a cancel would stop the message.

    Raises SentMessage.DoesNotExist.
    """
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
    return CancelAnswer(result, message, cancel_figures(message_id), by)
