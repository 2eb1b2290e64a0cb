"""The report of a 2.0 message: Build Report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.tools import Tool
from core.durations import duration_text
from core.languages import english
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode
from messenger_logs.criteria import general_criteria, tool_criteria
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from messenger_logs.statuses import STATUSES
from messenger_logs.totals import Totals, totals_of
from reports.document import Column, Document, Figures, Kind, Rows
from reports.kinds.deliveries import V2Rows
from reports.kinds.message import (
    MessageForm,
    MessageReport,
    cancel_summary,
    email_figures,
    message_detail,
    outcome_bars,
    reach_figures,
)
from reports.report import Choices, Pairs, labels, moment, number


def modes_of(message: SentMessage) -> list[Mode]:
    return [mode for mode in Mode if mode in message.modes]


def statuses_of(message: SentMessage) -> list[DeliveryStatus]:
    """Return the statuses that the devices of the message can have."""
    possible = {status for mode in modes_of(message) for status in STATUSES[mode]}
    return [status for status in DeliveryStatus if status in possible]


class BuildReportForm(MessageForm):
    modes = forms.MultipleChoiceField(
        label=_("Delivery Modes"),
        widget=Choices,
        error_messages={
            "required": _("Choose at least one delivery mode."),
            "invalid_choice": _("Choose delivery modes of this message."),
        },
    )
    statuses = forms.MultipleChoiceField(
        label=_("Delivery Statuses"),
        widget=Choices,
        error_messages={
            "required": _("Choose at least one delivery status."),
            "invalid_choice": _("Choose statuses that the devices of this message can have."),
        },
    )
    field_order = ["modes", "statuses", "format", "rows_only"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, available in (("modes", modes_of(self.message)), ("statuses", statuses_of(self.message))):
            field: Any = self.fields[name]
            field.choices = [(value.value, value.label) for value in available]
            field.initial = [value.value for value in available]


class SentMessageLog2Report(MessageReport):
    kind = "message-2"
    label = _("Message Report")
    tools = (Tool.SENT_MESSAGE_LOG_2,)
    form_class = BuildReportForm

    @property
    def modes(self) -> list[Mode]:
        return [mode for mode in Mode if mode in self.chosen["modes"]]

    def rows(self) -> V2Rows:
        return V2Rows(self.message, modes=self.modes, statuses=self.chosen["statuses"], scope=self.scope)

    def document(self) -> Document:
        self.message = message = self.as_it_is_now()
        totals = totals_of(message)
        people = reach_figures(totals)
        return Document(
            title=str(self.label),
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=[
                *outcome_bars(message, totals, self.modes),
                Figures(gettext("Delivery Summary"), list(self.figures(totals)), columns=2, counted=True),
                *([Figures(gettext("People"), people, columns=2, counted=True)] if people else []),
                Figures(gettext("General Filter Criteria"), general_criteria(message, totals)),
                Figures(gettext("Tool Specific Filter Criteria"), tool_criteria(message)),
                message_detail(message),
                self.detail_rows(),
            ],
            summary_in_csv=not self.chosen["rows_only"],
        )

    @property
    def criteria(self) -> Pairs:
        every = len(self.chosen["statuses"]) == len(statuses_of(self.message))
        words = [(status.value, english(status.label)) for status in DeliveryStatus]
        statuses = pgettext("statuses", "All") if every else labels(self.chosen["statuses"], words)
        return [
            (gettext("Delivery Modes"), labels(self.modes, Mode.choices)),
            (gettext("Delivery Statuses"), statuses),
        ]

    def header(self) -> Pairs:
        message = self.message
        return [
            (gettext("Message Status"), SENT_MESSAGE_LOG_2_STATUSES[MessageStatus(message.status)].in_english),
            (gettext("Subject"), message.display_subject),
            (gettext("Message ID"), str(message.pk)),
            (gettext("Type"), message.message_type),
            (gettext("Created By"), message.sender_name),
            (gettext("Date"), moment(message.scheduled_at)),
            *self.criteria,
            *self.scope_header(),
            *self.asked_for_by,
        ]

    def figures(self, totals: Totals) -> Iterator[tuple[str, str]]:
        """Yield the figures of each chosen mode, the same as in Delivery Information on the page."""
        yield gettext("Total Message Duration"), duration_text(totals.duration)
        for mode in self.modes:
            of = {"mode": mode.label}
            if figures := totals.modes.get(mode):
                yield gettext("%(mode)s Total Devices") % of, number(figures.eligible)
                yield gettext("%(mode)s Total Attempts") % of, number(figures.attempts)
                yield gettext("%(mode)s Total Success") % of, number(figures.success)
                yield gettext("%(mode)s Total Failed") % of, number(figures.error)
                yield gettext("%(mode)s Total Not Reached") % of, number(figures.not_reached)
                yield gettext("%(mode)s Total Canceled") % of, number(figures.canceled)
                yield gettext("%(mode)s Total Not Done Yet") % of, number(figures.pending)
                yield gettext("%(mode)s First Attempt Duration") % of, duration_text(figures.first_attempt_duration)
        if Mode.EMAIL in self.modes:
            yield from email_figures(totals, gettext("E-mail Provider: %(outcome)s"))
        yield from cancel_summary(self.message)

    def detail_rows(self) -> Rows:
        columns = [
            Column(gettext("Recipient"), 1.3),
            Column(gettext("Student"), 1.2),
            Column(gettext("Delivery Mode"), 0.7),
            Column(gettext("Status"), 1.2),
            Column(gettext("Status Detail"), 1.3),
            Column(gettext("Time"), 1.15, Kind.TIME),
        ]
        return Rows(gettext("Recipient Details"), columns, self.rows())
