"""The kinds of reports, each with a module: who may have it, its choices, its header and sections, its rows."""

from typing import Any

from accounts.models import User
from grid.views import GridView
from mailgun_sync.views import MailgunMessageLog
from messenger_logs.views.recipient_log import RecipientLog
from reports.kinds.base import Report
from reports.kinds.grid import GridReport
from reports.kinds.mailgun import MailgunReport
from reports.kinds.message import MessageReport
from reports.kinds.message_2 import Message2Report
from reports.kinds.recipient import RecipientReport
from reports.kinds.sent_message import SentMessageReport

KINDS: dict[str, type[Report]] = {
    kind.kind: kind for kind in (SentMessageReport, Message2Report, MailgunReport, RecipientReport, GridReport)
}
MESSAGE_KINDS: tuple[type[MessageReport], ...] = (SentMessageReport, Message2Report)


def open_report(kind: str, user: User, options: dict[str, Any]) -> Report:
    """The report that a job or a command names; raises what `Report.open` raises."""
    return KINDS[kind].open(user, options)


def report_of_grid(view: GridView) -> GridReport:
    """What a grid gives as a file: two logs have a report of their own."""
    if isinstance(view, MailgunMessageLog):
        return MailgunReport.of(view)
    if isinstance(view, RecipientLog):
        return RecipientReport.of(view)
    return GridReport.of(view)
