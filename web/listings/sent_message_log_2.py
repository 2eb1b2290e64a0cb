"""Sent Message Log 2.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.scopes import NO_SCHOOL, Scope
from accounts.tools import Right, Tool
from listings.columns import ROW_LINK, Column, TimeColumn
from listings.filters import OptionFilter, ValuesFilter
from messenger_logs.models import SentMessage
from messenger_logs.querysets import TYPE_RIGHTS, SentMessageQuerySet, visible_types
from messenger_logs.scope_texts import messages_note
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from web.listings.message_columns import (
    NARROW,
    EmailsColumn,
    MessageColumns,
    MessageStatusColumn,
    ReachedColumn,
    add_progress,
    link_of_message,
    with_figures,
)
from web.listings.message_filters import (
    AttachmentFilter,
    CalendarFilter,
    DaysFilter,
    MessageIdFilter,
    ModeFilter,
    OwnOrAllFilters,
    SubjectFilter,
    WhoseFilter,
)


class SentMessageLog2Table(MessageColumns):
    date = TimeColumn(accessor="scheduled_at", verbose_name=_("Date"))
    calendars = Column(verbose_name=_("Calendars"), orderable=False)
    subject = Column(
        verbose_name=_("Subject"),
        linkify=link_of_message,
        attrs=ROW_LINK,
        empty_values=(),
    )
    sender_name = Column(verbose_name=_("Created By"))
    message_type = Column(verbose_name=_("Type"))
    modes = Column(verbose_name=_("Delivery Mode"), orderable=False, attrs=NARROW)
    attachments = Column(verbose_name=_("Attachment"), orderable=False, empty_values=(), attrs=NARROW)
    status = MessageStatusColumn(SENT_MESSAGE_LOG_2_STATUSES, verbose_name=_("Status"))
    people = ReachedColumn(_("People"), "total")
    reached = ReachedColumn(_("People Reached"), "reached")
    emails = EmailsColumn()

    card_columns = ("status", "subject", "date", "sender_name")

    def render_attachments(self, record: SentMessage) -> SafeString:
        if not record.attachments:
            return format_html('<span class="visually-hidden">{}</span>', pgettext("attachment", "No"))
        return format_html(
            '<abbr title="{}">{}</abbr>',
            ", ".join(str(file.get("name", "")) for file in record.attachments),
            pgettext("attachment", "Yes"),
        )

    def value_attachments(self, record: SentMessage) -> str:
        return pgettext("attachment", "Yes") if record.attachments else pgettext("attachment", "No")


class SentMessageLog2Filters(OwnOrAllFilters):
    tool = Tool.SENT_MESSAGE_LOG_2
    whose = WhoseFilter()
    message_id = MessageIdFilter(label=_("Message ID"))
    sent = DaysFilter("scheduled_at", label=_("Date"), default_days=None, input_labels=(_("Start Date"), _("End Date")))
    calendars = CalendarFilter()
    subject = SubjectFilter(label=_("Subject"))
    sender_name = ValuesFilter(label=_("Created By"))
    message_type = OptionFilter(label=_("Message Type"))
    modes = ModeFilter()
    attachments = AttachmentFilter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types: Sequence[str] = visible_types(self.user)
        self.filters["message_type"].extra["choices"] = [(each, each) for each in types]

    @property
    def may_choose_whose(self) -> bool:
        user = self.user
        return all(user.may(Tool.SENT_MESSAGE_LOG_2, right) for right in (Right.MY_MESSAGES, Right.ALL_MESSAGES))


class MessageList(ToolListing):
    """A list of messages. Messages that are going out show their progress."""

    find_label = _("Apply Filters")
    reset_label = _("Reset Filters")
    row_name = _("messages")
    api_resource = "messages"
    filterset: OwnOrAllFilters

    def get_queryset(self) -> SentMessageQuerySet:
        messages = SentMessage.objects.visible_to(self.user, self.tool)
        # The texts of a message are most of its row, and the list does not show them.
        return messages.prefetch_related("calendars").defer("bodies", "criteria")

    @property
    def scope(self) -> Scope:
        return NO_SCHOOL if self.filterset.only_own else super().scope

    def notices(self) -> list[str]:
        return [*filter(None, [messages_note(self.scope)])]

    def complete_rows(self, rows: list[SentMessage]) -> None:
        add_progress(rows)


class SentMessageLog2(MessageList):
    table_class = SentMessageLog2Table
    filterset_class = SentMessageLog2Filters
    default_sort = "-date"
    export_name = "sent-message-log-2"
    filterset: SentMessageLog2Filters

    def export_queryset(self) -> SentMessageQuerySet:
        return with_figures(super().export_queryset())

    def rights_used(self) -> list[Right]:
        everybodys = self.user.may(self.tool, Right.ALL_MESSAGES) and not self.filterset.only_own
        chosen = self.filterset.form.cleaned_data.get("message_type")
        types = [
            right
            for right, kinds in TYPE_RIGHTS.items()
            if self.user.may(self.tool, right) and (not chosen or chosen in kinds)
        ]
        return [Right.READ, Right.ALL_MESSAGES if everybodys else Right.MY_MESSAGES, *types]

    def notices(self) -> list[str]:
        if not visible_types(self.user):
            return [
                gettext("You may not see messages of any type yet. Ask for a tool right on the message types you need.")
            ]
        if not any(self.user.may(self.tool, right) for right in (Right.MY_MESSAGES, Right.ALL_MESSAGES)):
            return [gettext("You may not see any messages yet. Ask for the tool right My Messages or All Messages.")]
        return super().notices()
