"""The addresses of a message: below the log of a tool. Only this module and web/urls.py know them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.tools import MESSAGE_LOGS, Tool
from messenger_logs.models import SentMessage


def message_url(tool: Tool, message_id: int, part: str = "", **arguments: Any) -> str:
    """Return the address of a message in a tool, or of a part: recipients, unreached, call_sheet, certificate, …"""
    name = f"web:{tool.name.lower()}_message" + (f"_{part}" if part else "")
    return reverse(name, kwargs={"pk": message_id, **arguments})


def drill_url(tool: Tool, message_id: int, part: str = "") -> str:
    """Return the address of a drill in a tool of reach, beside the drill before it; or of its part: mark."""
    name = "admin_drill" if tool is Tool.ADMIN_REACH else "drill"
    return reverse(f"web:{name}" + (f"_{part}" if part else ""), kwargs={"pk": message_id})


def email_events_url(tool: Tool, event_id: int) -> str:
    """Return the address of all events of the e-mail that an event is about, in a Mailgun Message Log."""
    return reverse(f"web:{tool.name.lower()}_email", kwargs={"pk": event_id})


def who_saw_url(user: User, message_id: int) -> str:
    """Return the address of what the audit trail has about a message; "" without the right to it."""
    return f"{reverse('web:audit_trail')}?message={message_id}" if user.may(Tool.AUDIT_TRAIL) else ""


def message_logs(user: User, message_ids: Collection[int]) -> dict[int, Tool]:
    """Return the first log, by id, that shows each of these messages to this user, for those that any log shows."""
    logs: dict[int, Tool] = {}
    for tool in MESSAGE_LOGS:
        left = [pk for pk in message_ids if pk not in logs]
        shown = SentMessage.objects.visible_to(user, tool).filter(pk__in=left).values_list("pk", flat=True)
        logs |= dict.fromkeys(shown, tool)
    return logs


def message_urls(user: User, message_ids: Collection[int]) -> dict[int, str]:
    """Return the addresses, by id, of the messages that a log shows to this user, each in the first such log."""
    return {pk: message_url(tool, pk) for pk, tool in message_logs(user, message_ids).items()}
