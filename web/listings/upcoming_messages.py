"""Upcoming Messages: the scheduled messages, and those that are going out now."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.tools import Right, Tool
from listings.columns import ON_SCREEN, ROW_LINK, Column, TimeColumn
from listings.filters import SwitchFilter, ValuesFilter
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.sight import Sight
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from web.listings.message_columns import MessageColumns, MessageStatusColumn, link_of_message
from web.listings.message_filters import CalendarFilter, OwnOrAllFilters, SubjectFilter, WhoseFilter
from web.listings.sent_message_log_2 import MessageList
from web.message_urls import message_url

UPCOMING_STATUSES = {
    status: SENT_MESSAGE_LOG_2_STATUSES[status] for status in (MessageStatus.WAITING, MessageStatus.IN_PROGRESS)
}


class UpcomingTable(MessageColumns):
    date = TimeColumn(accessor="scheduled_at", verbose_name=_("Date"), initial_sort_descending=False)
    calendars = Column(verbose_name=_("Calendars"), orderable=False)
    subject = Column(verbose_name=_("Subject"), linkify=link_of_message, attrs=ROW_LINK, empty_values=())
    sender_name = Column(verbose_name=_("Creator"))
    message_type = Column(verbose_name=_("Type"))
    modes = Column(verbose_name=_("Delivery Mode"), orderable=False)
    status = MessageStatusColumn(UPCOMING_STATUSES, verbose_name=_("Status"))
    details = Column(
        accessor="pk",
        verbose_name=_("Details"),
        linkify=link_of_message,
        orderable=False,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    card_columns = ("status", "subject", "date", "sender_name")

    # Only users who may cancel see it. templates/web/upcoming.html has its dialog.
    cancel = Column(accessor="pk", verbose_name=_("Cancel"), orderable=False, exclude_from_export=True, attrs=ON_SCREEN)

    def render_details(self, record: SentMessage) -> SafeString:
        words = gettext('View Details<span class="visually-hidden"> of {subject}</span>')
        return format_html(words, subject=record.display_subject)

    def render_cancel(self, record: SentMessage) -> SafeString | str:
        if not self.listing.changeable.holds_wholly(record):
            return "—"
        return format_html(
            '<a id="cancel-{id}" class="btn btn-sm btn-outline-danger" href="{address}" data-cancel hx-get="{address}"'
            ' hx-target="#cancel-dialog" hx-swap="innerHTML">{words}'
            '<span class="visually-hidden"> {subject}</span></a>',
            id=record.pk,
            address=message_url(Tool.UPCOMING_MESSAGES, record.pk, "cancel"),
            words=gettext("Cancel Message"),
            subject=record.display_subject,
        )


class TabFilter(SwitchFilter):
    """The tabs of Upcoming Messages."""

    IN_PROGRESS = "in_progress"

    def __init__(self, **kwargs: Any) -> None:
        choices = [(self.IN_PROGRESS, pgettext_lazy("messages", "In Progress"))]
        super().__init__(
            "status",
            label=_("Upcoming messages"),
            choices=choices,
            empty_label=pgettext_lazy("messages", "Scheduled"),
            **kwargs,
        )

    def filter(self, qs: SentMessageQuerySet, value: str) -> SentMessageQuerySet:
        return qs.running() if value == self.IN_PROGRESS else qs.scheduled()


class UpcomingFilters(OwnOrAllFilters):
    tool = Tool.UPCOMING_MESSAGES
    tab = TabFilter()
    whose = WhoseFilter()
    sender_name = ValuesFilter(label=_("Creator"))
    subject = SubjectFilter(label=_("Subject"))
    calendars = CalendarFilter()

    @property
    def may_choose_whose(self) -> bool:
        may: bool = self.user.may(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL)
        return may


class UpcomingMessages(MessageList):
    """The user's own messages; with the right View/Cancel All, all messages."""

    table_class = UpcomingTable
    filterset_class = UpcomingFilters
    default_sort = "date"
    export_name = "upcoming-messages"
    template_name = "web/upcoming.html"
    filterset: UpcomingFilters

    @cached_property
    def changeable(self) -> Sight:
        """What the user may cancel here."""
        return Sight.to_change(self.user, self.tool)

    def rights_used(self) -> list[Right]:
        everybodys = self.filterset.may_choose_whose and not self.filterset.only_own
        return [Right.READ, Right.VIEW_CANCEL_ALL] if everybodys else [Right.READ]

    def hidden_columns(self) -> Collection[str]:
        return () if self.user.may(self.tool, Right.WRITE) else ("cancel",)
