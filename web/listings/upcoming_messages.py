"""Upcoming Messages: what is scheduled and what is going out now."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from accounts.tools import Right, Tool
from listings.columns import ListingTable, PageRows
from listings.views import is_htmx
from messenger_logs.models import SentMessage
from web.filters.v2 import UpcomingFilters
from web.listings.sent_message_log_2 import Message2View, MessageList
from web.tables.v2 import UpcomingTable
from web.views.message import MessageBody, MessageRecipients

# Where a message is shown once it is no longer upcoming.
LOGS = {
    Tool.SENT_MESSAGE_LOG_2: "web:sent_message_log_2_message",
    Tool.SENT_MESSAGE_LOG: "web:sent_message_log_message",
    Tool.ADMIN_SENT_MESSAGE_LOG: "web:admin_sent_message_log_message",
}


class UpcomingMessages(MessageList):
    """Own messages, with the right View/Cancel All everybody's."""

    tool = Tool.UPCOMING_MESSAGES
    table_class = UpcomingTable
    filterset_class = UpcomingFilters
    default_sort = "date"
    export_name = "upcoming-messages"
    template_name = "web/upcoming.html"

    def get_table(self, rows: PageRows) -> ListingTable:
        may_cancel = self.request.user.may(self.tool, Right.WRITE)
        return UpcomingTable(rows, exclude=() if may_cancel else ("cancel",))


class UpcomingMessage:
    tool = Tool.UPCOMING_MESSAGES
    url_name = "web:upcoming_messages_message"
    log_url_name = "web:upcoming_messages"


class UpcomingMessagePage(UpcomingMessage, Message2View):
    """View Details. A message that has gone out meanwhile is shown by its log, if that shows it to this user."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        try:
            return super().get(request, pk)
        except Http404:
            address = address_in_a_log(self.request.user, pk)
            if address is None:
                raise
            return HttpResponseClientRedirect(address) if is_htmx(request) else HttpResponseRedirect(address)


class UpcomingMessageBody(UpcomingMessage, MessageBody):
    pass


class UpcomingMessageRecipients(UpcomingMessage, MessageRecipients):
    pass


def address_in_a_log(user: User, pk: int) -> str | None:
    """The page of a message in the first log that shows it to this user."""
    for tool, url_name in LOGS.items():
        if SentMessage.objects.visible_to(user, tool).filter(pk=pk).exists():
            return reverse(url_name, kwargs={"pk": pk})
    return None
