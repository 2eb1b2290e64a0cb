"""The certificate of a cancel: who stopped a message, when, and what happened to each of its devices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404
from django.utils import timezone

from accounts.models import User
from accounts.tools import MESSAGE_LOGS, Tool
from messenger_logs.cancel_figures import CancelFigures, cancel_figures
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import MESSAGE_STATUSES
from reports.document import Document, Figures, Text
from reports.kinds.message import MessageForm, MessageReport
from reports.report import Pairs, moment, number
from reports.writers import Format

MEANINGS = [
    ("Left", "Handed over before the cancel: a provider has or had it, and it cannot be recalled."),
    ("Hung up while ringing", "Calls that had begun, and that the cancel ended."),
    ("Never started", "They waited for their turn. Nothing was handed over for them, and nothing will be."),
    (
        "Not to be tried",
        "Nothing would have gone to them: they opted out, are not eligible, or have an address of no use.",
    ),
]
ELSEWHERE = "Another system sends this message. The figures are what this record knew when the cancel was complete."
CONTRADICTED = (
    "Reports that came after the cancel was complete say otherwise of some devices. The page of the message lists them."
)


class CertificateForm(MessageForm):
    """It is a PDF, and there is nothing to choose."""

    format = forms.ChoiceField(
        label="Report Format",
        choices=[(Format.PDF.value, Format.PDF.label)],
        required=False,
        error_messages={"invalid_choice": "The certificate is a PDF."},
    )


class CancelCertificate(MessageReport):
    """Everybody to whom a tool shows the message may have it, as soon as the cancel is complete."""

    kind = "cancel-certificate"
    label = "Certificate of Cancel"
    tools = (*MESSAGE_LOGS, Tool.UPCOMING_MESSAGES)
    form_class = CertificateForm

    @classmethod
    def find(cls, user: User, tool: Tool, pk: int) -> SentMessage:
        """Return the message. Raises MissingRight, and Http404 also before a cancel is complete."""
        message = super().find(user, tool, pk)
        if message.cancel_completed_at is None:
            raise Http404("The cancel of this message is not complete.")
        return message

    @property
    def criteria(self) -> Pairs:
        return []

    def count(self, limit: int | None = None) -> int:
        return 0

    def rows(self) -> Any:
        return ()

    def document(self) -> Document:
        self.message = message = self.as_it_is_now()
        figures = cancel_figures(message.pk)
        return Document(
            title=self.label,
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=[
                Figures("The Cancel", the_cancel(message)),
                Figures("All Devices of the Message", device_figures(figures)),
                Text("What the Figures Mean", [*MEANINGS, *notes(message, figures)]),
            ],
        )

    def header(self) -> Pairs:
        message = self.message
        return [
            ("Subject", message.display_subject),
            ("Message ID", str(message.pk)),
            ("Message Status", MESSAGE_STATUSES[MessageStatus(message.status)].word),
            ("Type", message.message_type),
            ("Sender", message.sender_name),
            ("Date Created", moment(message.created_at)),
            ("Date Scheduled", moment(message.scheduled_at)),
            ("Asked For By", self.user.listed_name),
        ]


def the_cancel(message: SentMessage) -> Pairs:
    began = moment(message.dispatch_started_at, seconds=True)
    return [
        ("Canceled By", message.canceled_by_name),
        ("Delivery Began", began or "not before the cancel"),
        ("Cancel Asked", moment(message.cancel_asked_at, seconds=True)),
        ("Cancel Complete", moment(message.cancel_completed_at, seconds=True)),
    ]


def device_figures(figures: CancelFigures) -> Pairs:
    """Return the four figures and their sum."""
    return [
        *((label, number(count)) for _, label, count in figures.labeled),
        ("All devices", number(figures.devices)),
    ]


def notes(message: SentMessage, figures: CancelFigures) -> Pairs:
    elsewhere = [] if message.dispatched_here else [("Another System", ELSEWHERE)]
    return [*elsewhere, *([("Later Reports", CONTRADICTED)] if figures.contradicted else [])]
