"""The kinds of reports, one module each: who may have it, its choices, its header and sections, its rows.

To add a kind, write its module and name its class here.
"""

from __future__ import annotations

from listings.listing import Listing
from reports.kinds.call_sheet import CallSheet
from reports.kinds.cancel_certificate import CancelCertificate
from reports.kinds.drill import DrillReport
from reports.kinds.listing import ListingReport
from reports.kinds.mailgun import MailgunReport
from reports.kinds.message import MessageReport
from reports.kinds.reach import ReachReport
from reports.kinds.recipient import RecipientReport
from reports.kinds.sent_message import SentMessageReport
from reports.kinds.sent_message_log_2 import SentMessageLog2Report
from reports.report import Report, register

MESSAGE_REPORTS: tuple[type[MessageReport], ...] = (SentMessageReport, SentMessageLog2Report)
_OF_LISTINGS: tuple[type[ListingReport], ...] = (
    ListingReport,
    DrillReport,
    MailgunReport,
    ReachReport,
    RecipientReport,
)
LISTING_REPORTS = {report_class.kind: report_class for report_class in _OF_LISTINGS}
_ALL: tuple[type[Report], ...] = (*MESSAGE_REPORTS, CallSheet, CancelCertificate, *_OF_LISTINGS)

for report_class in _ALL:
    register(report_class)


def report_of(listing: Listing, *, rows_only: bool = False) -> ListingReport:
    """Return the report of a listing. Some have their own kind of report; all others share one."""
    return LISTING_REPORTS[listing.report_kind](listing, rows_only=rows_only)
