"""Sent Message Log 2.0 and the pages of its messages."""

from __future__ import annotations

from typing import Any

from accounts.listings import ToolListingView
from accounts.tools import Right, Tool
from core.statuses import Status
from messenger_logs.choices import MessageStatus
from messenger_logs.criteria import general_criteria, tool_criteria
from messenger_logs.delivery_summary import DeliverySummary, percent_done
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet, visible_types
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from messenger_logs.totals import totals_of_many
from web.filters.v2 import Log2Filters
from web.tables.v2 import Log2Table
from web.views.message import MessageBody, MessagePage, MessageRecipients


class MessageList(ToolListingView):
    """A list of messages; those that are going out show how far they have come."""

    find_label = "Apply Filters"
    reset_label = "Reset Filters"
    row_name = "messages"

    def get_queryset(self) -> SentMessageQuerySet:
        messages = SentMessage.objects.visible_to(self.request.user, self.tool)
        # The texts of a message are most of its row, and not in the list.
        return messages.prefetch_related("calendars").defer("bodies", "criteria")

    def fetch(self) -> list[str]:
        notes = super().fetch()
        running = [message for message in self.page.rows if message.status == MessageStatus.IN_PROGRESS]
        totals = totals_of_many(running) if running else {}
        for message in running:
            message.percent = percent_done(totals[message.pk])
        return notes


class SentMessageLog2(MessageList):
    tool = Tool.SENT_MESSAGE_LOG_2
    table_class = Log2Table
    filterset_class = Log2Filters
    default_sort = "-date"
    export_name = "sent-message-log-2"

    def notes(self) -> list[str]:
        may = self.request.user.may
        if not visible_types(self.request.user):
            return ["You may not see messages of any type yet. Ask for a tool right on the message types you need."]
        if not may(self.tool, Right.MY_MESSAGES) and not may(self.tool, Right.ALL_MESSAGES):
            return ["You may not see any messages yet. Ask for the tool right My Messages or All Messages."]
        return []


class Summary2(DeliverySummary):
    """The Delivery Summary in the words of the 2.0 log."""

    @property
    def status(self) -> Status:
        return SENT_MESSAGE_LOG_2_STATUSES[MessageStatus(self.message.status)]


class Message2View(MessagePage):
    """The message page of the 2.0 engine."""

    template_name = "web/message_2.html"
    summary_template_name = "web/_delivery_information.html"

    def get_messages(self) -> SentMessageQuerySet:
        return super().get_messages().prefetch_related("calendars")

    def summary_context(self) -> dict[str, Any]:
        summary = Summary2.of(self.message)
        return super().summary_context() | {"summary": summary}

    def get_context(self) -> dict[str, Any]:
        context = super().get_context()
        totals = context["summary"].totals
        return context | {
            "general_criteria": general_criteria(self.message, totals),
            "tool_criteria": tool_criteria(self.message),
        }


class Message2:
    tool = Tool.SENT_MESSAGE_LOG_2
    url_name = "web:sent_message_log_2_message"
    log_url_name = "web:sent_message_log_2"


class Message2Page(Message2, Message2View):
    pass


class Message2Body(Message2, MessageBody):
    pass


class Message2Recipients(Message2, MessageRecipients):
    pass
