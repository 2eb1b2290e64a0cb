"""Ambiguous events: Mailgun's word about one of several e-mails, and nobody knows about which."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from listings.columns import WIDE, AddressColumn, Column, ListingTable, StatusColumn, TextColumn, TimeColumn
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet
from mailgun_sync.models import MailgunEvent
from mailgun_sync.querysets import MailgunEventQuerySet
from mailgun_sync.services.links import messages_that_fit
from messenger_logs.models import SentMessage
from web.listings.mailgun_message_log import EVENT_STATUSES, RecipientFilter
from web.message_urls import message_urls


class AmbiguousEventTable(ListingTable):
    event = StatusColumn(EVENT_STATUSES, accessor="kind", order_by="event", verbose_name=_("Event"))
    occurred_at = TimeColumn(seconds=True, verbose_name=_("Event Time Stamp"))
    recipient = AddressColumn(verbose_name=_("Recipient Email"))
    subject = Column(verbose_name=_("Subject"), attrs=WIDE)
    detail = TextColumn(verbose_name=_("Reason"))
    messages = Column(
        accessor="pk", verbose_name=_("May Belong To"), orderable=False, exclude_from_export=True, attrs=WIDE
    )

    def render_messages(self, record: MailgunEvent) -> SafeString | str:
        found = self.listing.messages.get(record.pk, [])
        return format_html_join(", ", "{}", ((self.link_of(message),) for message in found)) or "—"

    def link_of(self, message: SentMessage) -> SafeString | str:
        url = self.listing.message_urls.get(message.pk)
        name = f"{message.display_subject} ({message.pk})"
        return format_html('<a href="{}">{}</a>', url, name) if url else name


class AmbiguousEventFilters(ListingFilterSet):
    # All of them without a choice: System Health counts them, and leads here.
    created = DateRangeFilter("occurred_at", default_days=None)
    recipient = RecipientFilter(label=_("Recipient Email"))
    subject = ContainsFilter(label=_("Subject"))

    personal = {"recipient"}


class AmbiguousEvents(ToolListing):
    """Events that fit to several e-mails. They count for none of them, until one gets its Message-Id.

    They are of no school until then. So only those see them who have the tool for all schools.
    """

    table_class = AmbiguousEventTable
    filterset_class = AmbiguousEventFilters
    default_sort = "-occurred_at"
    export_name = "ambiguous-events"
    row_name = _("events")
    api_resource = "ambiguous_events"
    template_name = "web/ambiguous_events.html"
    shows_people = True
    # The messages that each event of this page fits, by its id; and the addresses of those that the user may open.
    messages: Mapping[int, list[SentMessage]] = MappingProxyType({})
    message_urls: Mapping[int, str] = MappingProxyType({})

    def get_queryset(self) -> MailgunEventQuerySet:
        return MailgunEvent.objects.visible_to(self.user, self.tool).ambiguous().defer("raw")

    def complete_rows(self, rows: list[Any]) -> None:
        self.messages = messages_that_fit([row.pk for row in rows])
        self.message_urls = message_urls(self.user, {one.pk for found in self.messages.values() for one in found})

    def notices(self) -> list[str]:
        if not self.scope.everything:
            return [
                gettext("Nobody knows the school of such an event. People with this tool for all schools can see them.")
            ]
        return [
            gettext(
                "Each of these events fits several e-mails: the same address and subject, at about the same time. So it"
                " counts for none of them. It finds its e-mail as soon as a message or a report names the Message-Id."
            )
        ]
