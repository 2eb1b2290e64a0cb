"""The kinds of reports, each with a module: who may have it, its choices, its header and sections, its rows."""

from typing import Any

from django.http import Http404

from accounts.models import User
from listings.views import ListingView
from reports.kinds.base import Report
from reports.kinds.listing import ListingReport
from reports.kinds.mailgun import MailgunReport
from reports.kinds.message import MessageReport
from reports.kinds.recipient import RecipientReport
from reports.kinds.sent_message import SentMessageReport
from reports.kinds.sent_message_log_2 import SentMessageLog2Report
from web.listings.recipient_log import RecipientLog
from web.views.sync_status import MailgunMessageLog

KINDS: dict[str, type[Report]] = {
    kind.kind: kind
    for kind in (SentMessageReport, SentMessageLog2Report, MailgunReport, RecipientReport, ListingReport)
}
MESSAGE_KINDS: tuple[type[MessageReport], ...] = (SentMessageReport, SentMessageLog2Report)


def open_report(kind: str, user: User, options: dict[str, Any]) -> Report:
    """The report that a job or a command names; raises what `Report.open` raises."""
    return KINDS[kind].open(user, options)


def open_shared(kind: str, user: User, options: dict[str, Any]) -> Report:
    """The same for somebody who did not ask for it: a report of a message is for whoever a log shows that message.

    Raises Http404 for everybody else, and for other kinds: what is in those depends on who asked.
    """
    shared = KINDS[kind]
    if issubclass(shared, MessageReport):
        for tool in shared.tools:
            if user.may(tool) and shared.messages(user, tool).filter(pk=options["message"]).exists():
                return shared.open(user, options | {"tool": tool.name})
    raise Http404("There is no such report.")


def report_of_grid(view: ListingView) -> ListingReport:
    """What a grid gives as a file: two logs have a report of their own."""
    if isinstance(view, MailgunMessageLog):
        return MailgunReport.of(view)
    if isinstance(view, RecipientLog):
        return RecipientReport.of(view)
    return ListingReport.of(view)
