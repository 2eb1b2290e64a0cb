"""The certificate of a cancel: who stopped a message, when, and what happened to each of its devices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tools import MESSAGE_LOGS, Tool
from messenger_logs.cancel_figures import FIGURES, CancelFigures, cancel_figures
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import MESSAGE_STATUSES
from reports.document import Document, Figures, Text
from reports.kinds.message import MessageForm, MessageReport
from reports.report import Pairs, moment, number
from reports.writers import Format

MEANINGS = [
    ("left", _("Handed over before the cancel: a provider has or had it, and it cannot be recalled.")),
    ("hung_up", _("Calls that had begun, and that the cancel ended.")),
    ("never_started", _("They waited for their turn. Nothing was handed over for them, and nothing will be.")),
    (
        "not_tried",
        _("Nothing would have gone to them: they opted out, are not eligible, or have an address of no use."),
    ),
]
ELSEWHERE = _("Another system sends this message. The figures are what this record knew when the cancel was complete.")
CONTRADICTED = _(
    "Reports that came after the cancel was complete say otherwise of some devices. The page of the message lists them."
)


class CertificateForm(MessageForm):
    """It is a PDF, and there is nothing to choose."""

    format = forms.ChoiceField(
        label=_("Report Format"),
        choices=[(Format.PDF.value, Format.PDF.label)],
        required=False,
        error_messages={"invalid_choice": _("The certificate is a PDF.")},
    )


class CancelCertificate(MessageReport):
    """Everybody to whom a tool shows the message may have it, as soon as the cancel is complete."""

    kind = "cancel-certificate"
    label = _("Certificate of Cancel")
    tools = (*MESSAGE_LOGS, Tool.UPCOMING_MESSAGES)
    form_class = CertificateForm

    @classmethod
    def find(cls, user: User, tool: Tool, pk: int) -> SentMessage:
        """Return the message. Raises MissingRight, and Http404 also before a cancel is complete."""
        message = super().find(user, tool, pk)
        if message.cancel_completed_at is None:
            raise Http404(gettext("The cancel of this message is not complete."))
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
            title=str(self.label),
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=[
                Figures(gettext("The Cancel"), the_cancel(message)),
                Figures(gettext("All Devices of the Message"), device_figures(figures)),
                Text(gettext("What the Figures Mean"), [*meanings(), *notes(message, figures)]),
            ],
        )

    def header(self) -> Pairs:
        message = self.message
        return [
            (gettext("Subject"), message.display_subject),
            (gettext("Message ID"), str(message.pk)),
            (gettext("Message Status"), MESSAGE_STATUSES[MessageStatus(message.status)].in_english),
            (gettext("Type"), message.message_type),
            (gettext("Sender"), message.sender_name),
            (gettext("Date Created"), moment(message.created_at)),
            (gettext("Date Scheduled"), moment(message.scheduled_at)),
            (gettext("Asked For By"), self.user.listed_name),
        ]


def the_cancel(message: SentMessage) -> Pairs:
    began = moment(message.dispatch_started_at, seconds=True)
    return [
        (gettext("Canceled By"), message.canceled_by_name),
        (gettext("Delivery Began"), began or gettext("not before the cancel")),
        (gettext("Cancel Asked"), moment(message.cancel_asked_at, seconds=True)),
        (gettext("Cancel Complete"), moment(message.cancel_completed_at, seconds=True)),
    ]


def device_figures(figures: CancelFigures) -> Pairs:
    """Return the four figures and their sum."""
    return [
        *((str(label), number(count)) for name, label, count in figures.labeled),
        (gettext("All devices"), number(figures.devices)),
    ]


def meanings() -> Pairs:
    """Return the figures with sentences that explain them."""
    labels = dict(FIGURES)
    return [(str(labels[name]), str(meaning)) for name, meaning in MEANINGS]


def notes(message: SentMessage, figures: CancelFigures) -> Pairs:
    elsewhere = [] if message.dispatched_here else [(gettext("Another System"), str(ELSEWHERE))]
    return [*elsewhere, *([(gettext("Later Reports"), str(CONTRADICTED))] if figures.contradicted else [])]
