"""Which messages, and which parts of them, a user sees; and the audit of each view. Pages, lists and API use it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from accounts.models import User
from accounts.services import record_look
from accounts.tools import MESSAGE_LOGS, Right, Tool
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.services.cancel import CancelAnswer, Result

CANCEL_SHOWN = "figures of a cancel"
# The tools that show messages, in the order of the search.
MESSAGE_TOOLS = (*MESSAGE_LOGS, Tool.UPCOMING_MESSAGES)


def in_any_log(user: User) -> SentMessageQuerySet:
    """Return the messages that at least one tool shows to a user."""
    return reduce(or_, (SentMessage.objects.visible_to(user, tool) for tool in MESSAGE_TOOLS))


def first_tool_showing(user: User, message_id: int) -> Tool | None:
    """Return the first tool that shows a message to a user; None if no tool does."""
    showing = (
        tool for tool in MESSAGE_TOOLS if SentMessage.objects.visible_to(user, tool).filter(pk=message_id).exists()
    )
    return next(showing, None)


def may_see_values(user: User, tool: Tool) -> bool:
    """Whether a tool shows this user bodies with the values of a recipient's merge fields."""
    return Right.MERGE_FIELD_VALUES in tool.rights and user.may(tool, Right.MERGE_FIELD_VALUES)


def record_message_view(message: SentMessage, *, by: User, part: str, **details: Any) -> None:
    """Record in the audit trail that a user saw a part of a message."""
    record_look(
        by=by,
        action="message.viewed",
        target=message.display_subject,
        details={"message": message.pk, "shown": part, **details},
    )


def record_late_cancel(answer: CancelAnswer) -> None:
    """Record that the answer of a cancel that changed nothing showed the message. The cancel itself is recorded."""
    if answer.result is not Result.CANCELED:
        record_message_view(answer.message, by=answer.by, part=CANCEL_SHOWN)
