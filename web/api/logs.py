"""The logs by the names that the API gives them."""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from operator import or_

from accounts.models import User
from accounts.tools import Tool
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet


class Log(StrEnum):
    SENT = "sent"
    SENT_ADMINISTRATION = "sent_administration"
    OLR = "olr"
    OLR_ADMINISTRATION = "olr_administration"
    LOG_2 = "log_2"
    UPCOMING = "upcoming"

    @property
    def tool(self) -> Tool:
        return _TOOLS[self]

    def messages_of(self, user: User) -> SentMessageQuerySet:
        """What this log shows to a user."""
        visible = SentMessage.objects.visible_to(user, self.tool)
        if self in (Log.OLR, Log.OLR_ADMINISTRATION):
            return visible.olr()
        return visible.classic() if self in (Log.SENT, Log.SENT_ADMINISTRATION) else visible


_TOOLS = {
    Log.SENT: Tool.SENT_MESSAGE_LOG,
    Log.SENT_ADMINISTRATION: Tool.ADMIN_SENT_MESSAGE_LOG,
    Log.OLR: Tool.SENT_MESSAGE_LOG,
    Log.OLR_ADMINISTRATION: Tool.ADMIN_SENT_MESSAGE_LOG,
    Log.LOG_2: Tool.SENT_MESSAGE_LOG_2,
    Log.UPCOMING: Tool.UPCOMING_MESSAGES,
}
TOOLS = list(dict.fromkeys(_TOOLS.values()))


def in_any_log(user: User) -> SentMessageQuerySet:
    """The messages that at least one log shows to a user."""
    return reduce(or_, (SentMessage.objects.visible_to(user, tool) for tool in TOOLS))
