from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import Column, TemplateColumn

from core.statuses import Shape, Status, Tone
from listings.columns import ON_SCREEN, ROW_LINK, ListingTable, TimeColumn
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import subject_text
from messenger_logs.statuses import Mode
from web.tables.classic import MessageStatusColumn

# A column of few and short words.
NARROW = {"cell": {"class": "narrow-column"}}

_CANCELED = Status(
    "CANCELED", Shape.SQUARE, Tone.NEUTRAL, "Stopped by somebody, before it began to go out or while it did."
)
MESSAGE_2_STATUSES = {
    SentMessage.Status.WAITING: Status("SCHEDULED", Shape.RING, Tone.NEUTRAL, "It has not begun to go out."),
    SentMessage.Status.IN_PROGRESS: Status("IN PROGRESS", Shape.HALF, Tone.RUNNING, "It is going out now."),
    SentMessage.Status.SENT: Status(
        "SENT",
        Shape.CHECK,
        Tone.GOOD,
        "Handed to the providers that deliver it. What became of each device stands beside its recipient.",
    ),
    SentMessage.Status.CANCELED: _CANCELED,
    SentMessage.Status.CANCELED_IN_PROGRESS: _CANCELED,
    SentMessage.Status.ERROR: Status(
        "ERROR",
        Shape.CROSS,
        Tone.BAD,
        "The provider of at least one delivery mode (e-mail, voice or text) took nothing of it.",
    ),
    SentMessage.Status.NO_RECIPIENTS: Status(
        "NO RECIPIENTS",
        Shape.TRIANGLE,
        Tone.WARNING,
        "People were chosen, but none of them has a device that could get it.",
    ),
}


_CALENDARS_SHOWN = 3


class MessageColumns(ListingTable):
    """The columns that the lists of messages of the 2.0 engine share."""

    def render_subject(self, record: SentMessage) -> str:
        return subject_text(record)

    def render_calendars(self, record: SentMessage) -> str:
        """The message's page names all of them, where it went to the whole district."""
        names = [calendar.name for calendar in record.calendars.all()]
        more = len(names) - _CALENDARS_SHOWN
        return ", ".join(names[:_CALENDARS_SHOWN]) + (f" and {more} more" if more > 0 else "") or "—"

    def value_calendars(self, record: SentMessage) -> str:
        return calendars_text(record)

    def render_modes(self, record: SentMessage) -> str:
        return modes_text(record)


def calendars_text(message: SentMessage) -> str:
    return ", ".join(calendar.name for calendar in message.calendars.all())


def modes_text(message: SentMessage) -> str:
    """The modes in the order of the reports: "Inbox, Email"."""
    return ", ".join(mode.label for mode in Mode if mode in message.modes)


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
    status = MessageStatusColumn(MESSAGE_2_STATUSES)

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
    status = MessageStatusColumn(
        {status: MESSAGE_2_STATUSES[status] for status in (SentMessage.Status.WAITING, SentMessage.Status.IN_PROGRESS)}
    )
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
        return format_html('View Details<span class="visually-hidden"> of {}</span>', subject_text(record))
