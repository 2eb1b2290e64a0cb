"""The classic Sent Message Log and the OLR Email Log, own and administration."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from listings.columns import ROW_LINK, WIDE, Column, ListingTable, TimeColumn
from listings.filters import ContainsFilter, DateRangeFilter, FragmentFilter, ListingFilterSet, ValuesFilter
from listings.registry import registry
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.scope_texts import messages_note
from messenger_logs.status_labels import MESSAGE_STATUSES
from web.listings.message_columns import (
    NARROW,
    EmailsColumn,
    MessageStatusColumn,
    ReachedColumn,
    add_progress,
    link_of_message,
    with_figures,
)
from web.listings.message_filters import SubjectFilter


class SentMessageLogTable(ListingTable):
    status = MessageStatusColumn(MESSAGE_STATUSES, verbose_name=_("Status"))
    message_type = Column(verbose_name=_("Message Type"))
    school_name = Column(verbose_name=_("District/School"))
    subject = Column(verbose_name=_("Message Subject"), linkify=link_of_message, attrs=ROW_LINK | WIDE, empty_values=())
    sender_name = Column(verbose_name=_("Sender"))
    created_at = TimeColumn(verbose_name=_("Date Created"))
    scheduled_at = TimeColumn(verbose_name=_("Date Scheduled"))
    schedule_id = Column(verbose_name=_("ScheduleID"), default="", attrs=NARROW)
    people = ReachedColumn(_("People"), "total")
    reached = ReachedColumn(_("People Reached"), "reached")
    emails = EmailsColumn()

    card_columns = ("status", "subject", "created_at", "sender_name")

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject


class SentMessageLogFilters(ListingFilterSet):
    created = DateRangeFilter("created_at", default_days=7)
    status = ValuesFilter(label=_("Status"), labels=dict(MessageStatus.choices))
    message_type = ValuesFilter(label=_("Message Type"))
    school_name = ValuesFilter(label=_("District/School"))
    subject = SubjectFilter(label=_("Message Subject"))
    sender_name = ValuesFilter(label=_("Sender"))
    created_at = FragmentFilter(label=_("Date Created"))
    scheduled_at = FragmentFilter(label=_("Date Scheduled"))
    schedule_id = ContainsFilter(label=_("ScheduleID"))


class SentMessageLog(ToolListing):
    """Messages of the classic Messenger: the user's own; with the administration's tool, all."""

    table_class = SentMessageLogTable
    filterset_class = SentMessageLogFilters
    default_sort = "-created_at"
    export_name = "sent-message-log"
    find_label = _("Find Messages")
    row_name = _("messages")
    api_resource = "messages"
    # It counts all of them. The product that it follows stopped at 4,000.
    exact_up_to = 1_000_000

    def get_queryset(self) -> SentMessageQuerySet:
        # The texts of a message are most of its row, and the list does not show them.
        return self.visible().with_school_name().defer("bodies", "attachments", "criteria")

    def visible(self) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(self.user, self.tool).classic()

    def complete_rows(self, rows: list[SentMessage]) -> None:
        add_progress(rows)

    def export_queryset(self) -> SentMessageQuerySet:
        return with_figures(super().export_queryset())

    def notices(self) -> list[str]:
        return [*filter(None, [messages_note(self.scope)]), self.sent_means(), self.other_log()]

    def sent_means(self) -> str:
        return gettext("Sent means: %(meaning)s") % {"meaning": MESSAGE_STATUSES[MessageStatus.SENT].meaning}

    def other_log(self) -> str:
        return format_html(gettext("E-mails of online registration are in the {log}."), log=self.link_to(OlrEmailLog))

    def link_to(self, listing_class: type[SentMessageLog]) -> SafeString:
        """Return a link to the other log of the same tool."""
        other = registry.of_tool(self.tool, listing_class)
        assert other
        return format_html('<a href="{}">{}</a>', other.url(), other.title or self.tool.label)


class OlrEmailLog(SentMessageLog):
    """E-mails of online registration. The rights are those of the Sent Message Log."""

    export_name = "olr-email-log"

    def visible(self) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(self.user, self.tool).olr()

    def other_log(self) -> str:
        return format_html(gettext("All other messages are in the {log}."), log=self.link_to(SentMessageLog))
