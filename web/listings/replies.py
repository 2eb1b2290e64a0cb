"""Replies: what families texted back, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from listings.columns import ON_SCREEN, Column, ListingTable, TextColumn, TimeColumn
from listings.elements import folded
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet, OptionFilter
from messenger_logs.choices import Mode
from messenger_logs.models import Reply
from messenger_logs.status_labels import device_text
from web.listings.recipients import DeviceFilter
from web.message_urls import message_urls


class ReplyTable(ListingTable):
    received_at = TimeColumn(verbose_name=_("Received"))
    name = Column(accessor="people_named", verbose_name=pgettext_lazy("of a reply", "From"), empty_values=())
    person_id = Column(accessor="person_named", verbose_name=_("PersonID"), orderable=False)
    number = Column(verbose_name=_("Phone"))
    text = TextColumn(verbose_name=pgettext_lazy("of a reply", "Text"), orderable=False, empty_values=())
    taken_as = Column(verbose_name=_("Taken As"), orderable=False)
    message = Column(
        accessor="message_id",
        verbose_name=_("Newest Text to Them"),
        orderable=False,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    identity_column = "name"
    card_columns = ("name", "text", "received_at")

    def render_name(self, value: str) -> str:
        return value or gettext("Number not on record")

    def render_number(self, value: str) -> str:
        return device_text(Mode.TEXT, value)

    def render_text(self, value: str) -> SafeString | str:
        return folded(value) if value else gettext("(no text)")

    def value_text(self, value: str) -> str:
        return value or gettext("(no text)")

    def render_taken_as(self, record: Reply) -> str:
        return str(record.get_taken_as_display())

    def render_message(self, record: Reply) -> SafeString | str:
        address = self.listing.message_urls.get(record.message_id)
        if not (address and record.message):
            return "—"
        return format_html('<a href="{}">{}</a>', address, record.message.display_subject)


class ReplyFilters(ListingFilterSet):
    received = DateRangeFilter("received_at", label=_("Received"), default_days=30)
    name = ContainsFilter("people_named", label=pgettext_lazy("of a reply", "From"))
    number = DeviceFilter("number", label=_("Phone"))
    text = ContainsFilter(label=pgettext_lazy("of a reply", "Text"))
    taken_as = OptionFilter(label=_("Taken As"), choices=Reply.TakenAs.choices)

    personal = {"name", "number", "text"}


class Replies(ToolListing):
    """The texts of families that are more than STOP or START, with the names that the user's schools know."""

    table_class = ReplyTable
    filterset_class = ReplyFilters
    default_sort = "-received_at"
    export_name = "replies"
    row_name = _("replies")
    api_resource = "replies"
    shows_people = True
    # The addresses of the messages on this page that the user may open, by id.
    message_urls: Mapping[int, str] = MappingProxyType({})

    def get_queryset(self) -> QuerySet[Reply]:
        replies = Reply.objects.visible_to(self.user, self.tool).with_people(self.user.scope_of(self.tool))
        return replies.select_related("message").defer("raw")

    def complete_rows(self, rows: list[Any]) -> None:
        if messages := {row.message_id for row in rows if row.message_id}:
            self.message_urls = message_urls(self.user, messages)
