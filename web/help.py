"""The help of the tools: for each tool with a page one page of help, for a first day.

To add one, write a template in templates/web/help/ and one line here. A test fails while a tool has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from accounts.tools import OWN_RIGHTS, Right, Tool, ToolAndRight
from core.statuses import Status
from messenger_logs.contact_problems import CONTACT_PROBLEMS, CONTACT_STATES
from messenger_logs.status_labels import MESSAGE_STATUSES, REACH, SENT_MESSAGE_LOG_2_STATUSES
from web.listings.alerts import ALERT_LOOKS
from web.listings.mailgun_message_log import EVENT_STATUSES
from web.listings.upcoming_messages import UPCOMING_STATUSES
from web.menu import page_url


@dataclass(frozen=True)
class Help:
    """A template in templates/web/help/, and the statuses of the tool's page, which it explains."""

    name: str
    statuses: Iterable[Status] = ()

    @property
    def template_name(self) -> str:
        return f"web/help/{self.name}.html"


_SENT_MESSAGE_LOG = Help("sent_message_log", MESSAGE_STATUSES.values())
_MAILGUN_MESSAGE_LOG = Help("mailgun_message_log", EVENT_STATUSES.values())
_RECIPIENT_LOG = Help("recipient_log")
_REACH = Help("reach", REACH.values())
_CONTACTS_TO_FIX = Help("contacts_to_fix", (*CONTACT_STATES.values(), *CONTACT_PROBLEMS.values()))

HELP: Mapping[Tool, Help] = MappingProxyType(
    {
        Tool.SENT_MESSAGE_LOG: _SENT_MESSAGE_LOG,
        Tool.SENT_MESSAGE_LOG_2: Help("sent_message_log_2", SENT_MESSAGE_LOG_2_STATUSES.values()),
        Tool.UPCOMING_MESSAGES: Help("upcoming_messages", UPCOMING_STATUSES.values()),
        Tool.MAILGUN_MESSAGE_LOG: _MAILGUN_MESSAGE_LOG,
        Tool.RECIPIENT_LOG: _RECIPIENT_LOG,
        Tool.REACH: _REACH,
        Tool.CONTACTS_TO_FIX: _CONTACTS_TO_FIX,
        Tool.ADMIN_SENT_MESSAGE_LOG: _SENT_MESSAGE_LOG,
        Tool.ADMIN_MAILGUN_MESSAGE_LOG: _MAILGUN_MESSAGE_LOG,
        Tool.ADMIN_RECIPIENT_LOG: _RECIPIENT_LOG,
        Tool.ADMIN_REACH: _REACH,
        Tool.ADMIN_CONTACTS_TO_FIX: _CONTACTS_TO_FIX,
        Tool.REPLIES: Help("replies"),
        Tool.MAILGUN_SYNC: Help("system_health"),
        Tool.ALERTS: Help("alerts", ALERT_LOOKS.values()),
        Tool.MESSAGE_IMPORT: Help("message_import"),
        Tool.USER_GROUPS: Help("user_groups"),
        Tool.ROSTER: Help("roster"),
        Tool.AUDIT_TRAIL: Help("audit_trail"),
        Tool.RECORDS_REQUEST: Help("records_requests"),
        Tool.RETENTION: Help("retention"),
        Tool.ERASE: Help("erase"),
        Tool.SCHEDULED_REPORTS: Help("scheduled_reports"),
    }
)
_TOOLS = {tool.name.lower().replace("_", "-"): tool for tool in HELP}
_SLUGS = {tool: slug for slug, tool in _TOOLS.items()}


def tool_of(slug: str) -> Tool | None:
    """Return the tool whose help has this address."""
    return _TOOLS.get(slug)


def help_url(tool: Tool) -> str:
    return reverse("web:tool_help", args=[_SLUGS[tool]])


def help_url_of(user: User, path: str) -> str:
    """Return where this user finds help on the page with this path: the help of its tool, or the list of all help.

    Help itself needs none: "".
    """
    if path.startswith(reverse("web:help")):
        return ""
    below = (tool for tool in HELP if path.startswith(page_url(tool)) and user.may(tool, tool.opened_by))
    tool = next(below, None)
    return help_url(tool) if tool else reverse("web:help")


def rights_in_words(user: User, tool: Tool) -> tuple[list[str], list[str]]:
    """Return what this user may do with a tool, and what others may."""
    may = [_words(cell) for cell in tool.cells if user.may(*cell)]
    return may, [_words(cell) for cell in tool.cells if not user.may(*cell)]


def _words(cell: ToolAndRight) -> str:
    # R and W say nothing to a reader. The finer rights have names.
    if cell.right in (Right.READ, Right.WRITE):
        return str(cell.allows)
    return gettext("%(allows)s (%(right)s)") % {"allows": cell.allows, "right": cell.right.label}


def is_own(tool: Tool) -> bool:
    """Whether a tool shows a person only their own messages, at least at first."""
    return tool in OWN_RIGHTS
