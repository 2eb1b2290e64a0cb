"""All lists of the product, one module each. This module registers them.

To add a list, write its module and one line here: menu, links, search, API, exports and permission tests follow.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.tools import Tool
from listings.registry import Entry, registry
from web.listings.alerts import Alerts
from web.listings.ambiguous_events import AmbiguousEvents
from web.listings.audit_trail import AuditTrail
from web.listings.contacts_to_fix import ContactsToFix
from web.listings.drill import Drill
from web.listings.inbox import Inbox
from web.listings.mailgun_groups import MailgunGroups
from web.listings.mailgun_message_log import MailgunMessageLog
from web.listings.people import People
from web.listings.reach import ReachList
from web.listings.recipient_log import PersonRecord, RecipientLog
from web.listings.recipients import Recipients
from web.listings.replies import Replies
from web.listings.sent_message_log import OlrEmailLog, SentMessageLog
from web.listings.sent_message_log_2 import SentMessageLog2
from web.listings.unreached_people import UnreachedPeople
from web.listings.upcoming_messages import UpcomingMessages
from web.listings.who_saw import WhoSaw

# The addresses of the logs that show messages. The addresses of one message begin with them.
MESSAGE_PATHS = {
    Tool.SENT_MESSAGE_LOG: "messenger/sent-message-log/",
    Tool.ADMIN_SENT_MESSAGE_LOG: "messenger-administration/sent-message-log/",
    Tool.SENT_MESSAGE_LOG_2: "messenger/sent-message-log-2/",
    Tool.UPCOMING_MESSAGES: "messenger/upcoming-messages/",
}
# Those of the Recipient Logs. The addresses of one person's record begin with them.
RECORD_PATHS = {
    Tool.RECIPIENT_LOG: "messenger/recipient-log/",
    Tool.ADMIN_RECIPIENT_LOG: "messenger-administration/recipient-log/",
}
REACH_PATHS = {Tool.REACH: "messenger/reach/", Tool.ADMIN_REACH: "messenger-administration/reach/"}
# Those of the logs of Mailgun's events. The addresses of the events of one e-mail begin with them.
MAILGUN_PATHS = {
    Tool.MAILGUN_MESSAGE_LOG: "messenger/mailgun-message-log/",
    Tool.ADMIN_MAILGUN_MESSAGE_LOG: "messenger-administration/mailgun-message-log/",
}
# Those of the lists of contacts to fix. The addresses of one contact begin with them.
CONTACT_PATHS = {
    Tool.CONTACTS_TO_FIX: "messenger/contacts-to-fix/",
    Tool.ADMIN_CONTACTS_TO_FIX: "messenger-administration/contacts-to-fix/",
}
# That of the alerts. The addresses of one alert and of the channels begin with it.
ALERTS_PATH = "messenger-administration/alerts/"
# That of the people who have an account. The addresses of one person begin with it.
PEOPLE_PATH = "system-administration/user-groups/people/"


def _log(listing_class: type, tool: Tool, path: str = "", *, name: str = "", **more: Any) -> Entry:
    return Entry(
        name=name or tool.name.lower(), listing_class=listing_class, tool=tool, path=path or MESSAGE_PATHS[tool], **more
    )


def _olr(tool: Tool, *, name: str, api_name: str) -> Entry:
    path = f"{MESSAGE_PATHS[tool]}olr/"
    return _log(OlrEmailLog, tool, path, name=name, api_name=api_name, title=_("OLR Email Log"))


def _groups(tool: Tool, *, api_name: str) -> Entry:
    path = f"{MAILGUN_PATHS[tool]}groups/"
    return _log(MailgunGroups, tool, path, name=f"{tool.name.lower()}_groups", api_name=api_name)


registry.register(
    _log(SentMessageLog, Tool.SENT_MESSAGE_LOG, api_name="sent"),
    _log(SentMessageLog, Tool.ADMIN_SENT_MESSAGE_LOG, api_name="sent_administration"),
    _olr(Tool.SENT_MESSAGE_LOG, name="olr_email_log", api_name="olr"),
    _olr(Tool.ADMIN_SENT_MESSAGE_LOG, name="admin_olr_email_log", api_name="olr_administration"),
    _log(SentMessageLog2, Tool.SENT_MESSAGE_LOG_2, api_name="log_2"),
    _log(UpcomingMessages, Tool.UPCOMING_MESSAGES, api_name="upcoming"),
    *(
        _log(Recipients, tool, f"{path}<int:pk>/recipients/", name=f"{tool.name.lower()}_message_recipients")
        for tool, path in MESSAGE_PATHS.items()
    ),
    *(
        _log(UnreachedPeople, tool, f"{path}<int:pk>/unreached/", name=f"{tool.name.lower()}_message_unreached")
        for tool, path in MESSAGE_PATHS.items()
    ),
    _log(RecipientLog, Tool.RECIPIENT_LOG, RECORD_PATHS[Tool.RECIPIENT_LOG]),
    _log(RecipientLog, Tool.ADMIN_RECIPIENT_LOG, RECORD_PATHS[Tool.ADMIN_RECIPIENT_LOG]),
    *(
        _log(PersonRecord, tool, f"{path}person/<str:person>/", name=f"{tool.name.lower()}_person")
        for tool, path in RECORD_PATHS.items()
    ),
    _log(ReachList, Tool.REACH, REACH_PATHS[Tool.REACH], api_name="own"),
    _log(ReachList, Tool.ADMIN_REACH, REACH_PATHS[Tool.ADMIN_REACH], api_name="all"),
    _log(Drill, Tool.REACH, f"{REACH_PATHS[Tool.REACH]}drills/<int:pk>/", name="drill"),
    _log(Drill, Tool.ADMIN_REACH, f"{REACH_PATHS[Tool.ADMIN_REACH]}drills/<int:pk>/", name="admin_drill"),
    _log(MailgunMessageLog, Tool.MAILGUN_MESSAGE_LOG, MAILGUN_PATHS[Tool.MAILGUN_MESSAGE_LOG], api_name="own"),
    _log(
        MailgunMessageLog, Tool.ADMIN_MAILGUN_MESSAGE_LOG, MAILGUN_PATHS[Tool.ADMIN_MAILGUN_MESSAGE_LOG], api_name="all"
    ),
    _log(
        AmbiguousEvents,
        Tool.MAILGUN_SYNC,
        "messenger-administration/mailgun-sync/ambiguous/",
        name="ambiguous_events",
        api_name="all",
        title=_("Ambiguous Events"),
    ),
    _groups(Tool.MAILGUN_MESSAGE_LOG, api_name="own"),
    _groups(Tool.ADMIN_MAILGUN_MESSAGE_LOG, api_name="all"),
    _log(ContactsToFix, Tool.CONTACTS_TO_FIX, CONTACT_PATHS[Tool.CONTACTS_TO_FIX], api_name="own"),
    _log(ContactsToFix, Tool.ADMIN_CONTACTS_TO_FIX, CONTACT_PATHS[Tool.ADMIN_CONTACTS_TO_FIX], api_name="all"),
    _log(Replies, Tool.REPLIES, "messenger-administration/replies/", api_name="all"),
    _log(Alerts, Tool.ALERTS, ALERTS_PATH, api_name="all"),
    _log(People, Tool.USER_GROUPS, PEOPLE_PATH, name="people", title=_("People")),
    _log(AuditTrail, Tool.AUDIT_TRAIL, "system-administration/audit-trail/"),
    _log(WhoSaw, Tool.AUDIT_TRAIL, "system-administration/audit-trail/who-saw/", name="who_saw", title=_("Who Saw")),
    # Only programs read it, by the API, so it has no page.
    Entry(name="inbox", listing_class=Inbox, tool=Tool.PORTAL_INBOX, path="", api_name="inbox"),
)
