"""Where a user finds the pages of messages."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse

from accounts.models import User
from accounts.tools import Tool
from messenger_logs.models import SentMessage

# The first log that shows a message is where it is opened.
PAGES = {
    Tool.SENT_MESSAGE_LOG_2: "web:sent_message_log_2_message",
    Tool.SENT_MESSAGE_LOG: "web:sent_message_log_message",
    Tool.ADMIN_SENT_MESSAGE_LOG: "web:admin_sent_message_log_message",
}


def message_addresses(user: User, ids: Collection[int]) -> dict[int, str]:
    """The page of each message that some log shows to this user."""
    addresses: dict[int, str] = {}
    for tool, url_name in PAGES.items():
        left = [pk for pk in ids if pk not in addresses]
        shown = SentMessage.objects.visible_to(user, tool).filter(pk__in=left).values_list("pk", flat=True)
        addresses |= {pk: reverse(url_name, kwargs={"pk": pk}) for pk in shown}
    return addresses
