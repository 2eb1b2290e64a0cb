"""Which messages, and which parts of them, a user sees; and the audit of each view. Pages, lists and API use it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.http import Http404

from accounts.models import User
from accounts.scopes import NO_SCHOOL, Scope
from accounts.services import record_part_of_look
from accounts.tools import MESSAGE_LOGS, NotForAllSchools, Right, Tool
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.services.cancel import CancelAnswer, Result
from messenger_logs.sight import Sight

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


def values_scope(user: User, tool: Tool) -> Scope:
    """Return the schools about whose recipients a tool shows this user the values of merge fields."""
    if not may_see_values(user, tool):
        return NO_SCHOOL
    return Sight.of(user, tool).scope & user.scope_of(tool, Right.MERGE_FIELD_VALUES)


def find_changeable(messages: SentMessageQuerySet, *, pk: int, user: User, tool: Tool) -> SentMessage:
    """Return one of the messages that a user may change with a tool.

    Raises NotForAllSchools if the tool shows the message, but it is of other schools, too; else Http404.
    """
    found: SentMessage | None = messages.filter(pk=pk).first()
    if found:
        return found
    if SentMessage.objects.visible_to(user, tool).filter(pk=pk).exists():
        raise NotForAllSchools(tool, Right.WRITE)
    raise Http404


def record_message_view(message: SentMessage, *, by: User, part: str, **details: Any) -> None:
    """Record in the audit trail that a user saw a part of a message. A page and what it loads are one look."""
    record_part_of_look(
        by=by,
        action="message.viewed",
        target=message.recorded_name,
        details={"message": message.pk, **details},
        part=part,
    )


def record_late_cancel(answer: CancelAnswer) -> None:
    """Record that the answer of a cancel that changed nothing showed the message. The cancel itself is recorded."""
    if answer.result is not Result.CANCELED:
        record_message_view(answer.message, by=answer.by, part=CANCEL_SHOWN)
