from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import Column, TemplateColumn

from listings.columns import ON_SCREEN, ROW_LINK, ListingTable, TimeColumn
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from web.tables.classic import MessageStatusColumn

# A column of few and short words.
NARROW = {"cell": {"class": "narrow-column"}}

UPCOMING_STATUSES = {
    status: SENT_MESSAGE_LOG_2_STATUSES[status] for status in (MessageStatus.WAITING, MessageStatus.IN_PROGRESS)
}
_CALENDARS_SHOWN = 3


class MessageColumns(ListingTable):
    """The columns that the lists of messages of the 2.0 engine share."""

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject

    def render_calendars(self, record: SentMessage) -> str:
        """The message's page names all of them, where it went to the whole district."""
        names = [calendar.name for calendar in record.calendars.all()]
        more = len(names) - _CALENDARS_SHOWN
        return ", ".join(names[:_CALENDARS_SHOWN]) + (f" and {more} more" if more > 0 else "") or "—"

    def value_calendars(self, record: SentMessage) -> str:
        return record.display_calendars

    def render_modes(self, record: SentMessage) -> str:
        return record.display_modes


def _details_of_upcoming(record: SentMessage) -> str:
    return reverse("web:upcoming_messages_message", kwargs={"pk": record.pk})


class Log2Table(MessageColumns):
    date = TimeColumn(accessor="scheduled_at", verbose_name="Date")
    calendars = Column(verbose_name="Calendars", orderable=False)
    subject = Column(
        verbose_name="Subject",
        linkify=lambda record: reverse("web:sent_message_log_2_message", kwargs={"pk": record.pk}),
        attrs=ROW_LINK,
        empty_values=(),
    )
    sender_name = Column(verbose_name="Created By")
    message_type = Column(verbose_name="Type")
    modes = Column(verbose_name="Delivery Mode", orderable=False, attrs=NARROW)
    attachments = Column(verbose_name="Attachment", orderable=False, empty_values=(), attrs=NARROW)
    status = MessageStatusColumn(SENT_MESSAGE_LOG_2_STATUSES)

    def render_attachments(self, record: SentMessage) -> SafeString:
        if not record.attachments:
            return format_html('<span class="visually-hidden">{}</span>', "No")
        return format_html(
            '<abbr title="{}">Yes</abbr>', ", ".join(str(file.get("name", "")) for file in record.attachments)
        )

    def value_attachments(self, record: SentMessage) -> str:
        return "Yes" if record.attachments else "No"


class UpcomingTable(MessageColumns):
    date = TimeColumn(accessor="scheduled_at", verbose_name="Date", initial_sort_descending=False)
    calendars = Column(verbose_name="Calendars", orderable=False)
    subject = Column(verbose_name="Subject", linkify=_details_of_upcoming, attrs=ROW_LINK, empty_values=())
    sender_name = Column(verbose_name="Creator")
    message_type = Column(verbose_name="Type")
    modes = Column(verbose_name="Delivery Mode", orderable=False)
    status = MessageStatusColumn(UPCOMING_STATUSES)
    details = Column(
        accessor="pk",
        verbose_name="Details",
        linkify=_details_of_upcoming,
        orderable=False,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    # For those who may; messenger_logs/upcoming.html has the dialog that it fills.
    cancel = TemplateColumn(
        template_name="web/_cancel_cell.html",
        accessor="pk",
        verbose_name="Cancel",
        orderable=False,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    def render_details(self, record: SentMessage) -> SafeString:
        return format_html('View Details<span class="visually-hidden"> of {}</span>', record.display_subject)
