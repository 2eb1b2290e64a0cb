"""The classic Sent Message Log and the OLR Email Log, own and administration."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.listings import ToolListingView
from accounts.tools import Tool
from listings.columns import ListingTable, PageRows
from messenger_logs.choices import MessageStatus
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.status_labels import MESSAGE_STATUSES
from messenger_logs.totals import totals_of_many
from web.filters.classic import ClassicLogFilters
from web.tables.classic import ClassicLogTable


class SentMessageLog(ToolListingView):
    """The user's own messages of the classic Messenger."""

    tool = Tool.SENT_MESSAGE_LOG
    table_class = ClassicLogTable
    filterset_class = ClassicLogFilters
    default_sort = "-created_at"
    export_name = "sent-message-log"
    find_label = "Find Messages"
    row_name = "messages"
    # All of them are counted: the original stopped at 4,000.
    exact_up_to = 1_000_000
    message_url_name = "web:sent_message_log_message"
    olr_log_url_name = "web:olr_email_log"

    def get_queryset(self) -> SentMessageQuerySet:
        return self.visible().classic()

    def visible(self) -> SentMessageQuerySet:
        messages = SentMessage.objects.visible_to(self.request.user, self.tool)
        # The texts of a message are most of its row, and not in the list.
        return messages.with_school_name().defer("bodies", "attachments", "criteria")

    def get_table(self, rows: PageRows) -> ListingTable:
        table = ClassicLogTable(rows)
        table.message_url_name = self.message_url_name
        return table

    def fetch(self) -> list[str]:
        notes = super().fetch()
        running = [message for message in self.page.rows if message.status == MessageStatus.IN_PROGRESS]
        totals = totals_of_many(running)
        for message in running:
            message.percent = percent_done(totals[message.pk])
        return notes

    def notes(self) -> list[str]:
        olr = format_html(
            'E-mails of online registration are in the <a href="{}">OLR Email Log</a>.', reverse(self.olr_log_url_name)
        )
        return [self.sent_means, olr]

    @property
    def sent_means(self) -> str:
        return f"Sent means: {MESSAGE_STATUSES[MessageStatus.SENT].meaning}"


class AdministrationSentMessageLog(SentMessageLog):
    """Everybody's messages."""

    tool = Tool.ADMIN_SENT_MESSAGE_LOG
    message_url_name = "web:admin_sent_message_log_message"
    olr_log_url_name = "web:admin_olr_email_log"


class OlrEmailLog(SentMessageLog):
    """The user's own e-mails of online registration, by the rights of the Sent Message Log."""

    export_name = "olr-email-log"
    export_target = "OLR Email Log"
    log_url_name = "web:sent_message_log"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.title = "OLR Email Log"

    def get_queryset(self) -> SentMessageQuerySet:
        return self.visible().olr()

    def notes(self) -> list[str]:
        others = format_html(
            'All other messages are in the <a href="{}">Sent Message Log</a>.', reverse(self.log_url_name)
        )
        return [self.sent_means, others]


class AdministrationOlrEmailLog(OlrEmailLog):
    """Everybody's e-mails of online registration."""

    tool = Tool.ADMIN_SENT_MESSAGE_LOG
    message_url_name = "web:admin_sent_message_log_message"
    log_url_name = "web:admin_sent_message_log"
