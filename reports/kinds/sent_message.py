"""The Sent Message Report of the classic Messenger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils import timezone

from accounts.tools import Tool
from core.durations import duration_text
from messenger_logs.choices import CANCELABLE, PHONE, MessageStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import MESSAGE_STATUSES
from messenger_logs.totals import Totals, totals_of
from reports.document import DUPLICATE, Column, Document, Figures, Kind, Rows, Section
from reports.kinds.deliveries import FAILED_MARK, ClassicRows
from reports.kinds.message import (
    MessageForm,
    MessageReport,
    cancel_summary,
    email_figures,
    message_detail,
    outcome_bars,
    reach_figures,
)
from reports.report import Choices, OneChoice, Pairs, labels, moment, number


class Device(TextChoices):
    NO_DEVICE = "no_device", "No Device"
    INBOX = "inbox", "Inbox"
    EMAIL = "email", "Email"
    PHONE = "phone", "Voice/Text"

    @property
    def modes(self) -> list[Mode]:
        if self is Device.PHONE:
            return [mode for mode in Mode if mode in PHONE]
        return [] if self is Device.NO_DEVICE else [Mode(self.value)]


class Detail(TextChoices):
    ALL = "all", "All"
    SUMMARY = "summary", "Summary"
    FAILED = "failed", "Failed Delivery"


def devices_of(message: SentMessage) -> list[Device]:
    """Return the devices that a report of the message can include: those it used, and No Device."""
    return [device for device in Device if not device.modes or any(mode in message.modes for mode in device.modes)]


class SentMessageForm(MessageForm):
    devices = forms.MultipleChoiceField(
        label="Include Delivery Devices",
        choices=Device.choices,
        widget=Choices,
        required=False,
        error_messages={"invalid_choice": "Choose devices from No Device, Inbox, Email and Voice/Text."},
    )
    detail = forms.ChoiceField(
        label="Report Detail",
        choices=Detail.choices,
        widget=OneChoice,
        initial=Detail.ALL,
        required=False,
        error_messages={"invalid_choice": "Choose All, Summary or Failed Delivery."},
    )
    field_order = ["devices", "detail", "format", "rows_only"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        available = devices_of(self.message)
        self.fields["devices"].initial = available
        self.fields["devices"].widget.unavailable = frozenset(Device) - frozenset(available)
        if self.runs:
            self.fields["detail"].widget.unavailable = frozenset({Detail.FAILED})

    @property
    def runs(self) -> bool:
        return self.message.status in CANCELABLE

    def clean_devices(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["devices"]
        missing = set(chosen) - set(devices_of(self.message))
        if missing:
            raise ValidationError(
                f"The message did not go by {labels(missing, Device.choices)}, so the report cannot include that."
            )
        return chosen

    def clean_detail(self) -> Detail:
        detail = Detail(self.cleaned_data["detail"] or Detail.ALL)
        if detail is Detail.FAILED and self.runs:
            raise ValidationError("Failed Delivery is not available while the message is Waiting or In-Progress.")
        return detail

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if not chosen.get("devices") and "devices" in chosen and chosen.get("detail") in (Detail.ALL, Detail.FAILED):
            self.add_error("devices", "Choose at least one delivery device, or the Summary.")
        return chosen


class SentMessageReport(MessageReport):
    kind = "sent-message"
    label = "Sent Message Report"
    tools = (Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG)
    form_class = SentMessageForm

    @property
    def detail(self) -> Detail:
        return Detail(self.chosen["detail"])

    @property
    def devices(self) -> list[Device]:
        return [device for device in Device if device in self.chosen["devices"]]

    def rows(self) -> ClassicRows:
        return ClassicRows(
            self.message,
            modes=[mode for device in self.devices for mode in device.modes],
            no_device=Device.NO_DEVICE in self.devices,
            only_failed=self.detail is Detail.FAILED,
            scope=self.scope,
        )

    def count(self, limit: int | None = None) -> int:
        return 0 if self.detail is Detail.SUMMARY else super().count(limit)

    def document(self) -> Document:
        self.message = self.as_it_is_now()
        return Document(
            title=self.label,
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=list(self.sections(totals_of(self.message))),
            summary_in_csv=not self.chosen["rows_only"],
        )

    @property
    def criteria(self) -> Pairs:
        return [
            ("Report Detail", self.detail.label),
            ("Include Recipient Devices", labels(self.devices, Device.choices) or "none"),
        ]

    def header(self) -> Pairs:
        message = self.message
        return [
            ("Message Status", MESSAGE_STATUSES[MessageStatus(message.status)].word),
            ("Subject", message.display_subject),
            ("Type", message.message_type),
            ("Sender", message.sender_name),
            ("Date Created", moment(message.created_at)),
            *self.criteria,
            *self.scope_header(),
            *self.asked_for_by,
        ]

    def sections(self, totals: Totals) -> list[Section]:
        modes = [mode for device in self.devices for mode in device.modes]
        summary: list[Section] = [
            *outcome_bars(self.message, totals, modes or list(Mode)),
            Figures("Delivery Summary", self.times(totals), columns=2, counted=True),
            Figures("People", self.people_figures(totals), columns=2, counted=True),
            Figures("Devices", self.device_figures(totals), columns=2, counted=True),
        ]
        if self.detail is Detail.SUMMARY:
            return summary
        if self.detail is Detail.FAILED:
            return [*summary, self.detail_rows()]
        criteria = [(str(label), str(value)) for label, value in self.message.criteria]
        return [*summary, Figures("Filter Criteria", criteria), message_detail(self.message), self.detail_rows()]

    def times(self, totals: Totals) -> Pairs:
        message = self.message
        return [
            ("Start Time", moment(message.dispatch_started_at) or "not begun"),
            ("End Time", moment(message.dispatch_finished_at) or "not finished"),
            ("Duration", duration_text(totals.duration if isinstance(totals.duration, timedelta) else None)),
            *cancel_summary(message),
        ]

    def people_figures(self, totals: Totals) -> Pairs:
        """Return the figures that count people, each of them once."""
        no_device = [("Total No Device", number(totals.no_device))] if Device.NO_DEVICE in self.devices else []
        return [
            ("Total Recipients", number(totals.recipients)),
            *no_device,
            *reach_figures(totals),
            ("Recipients contacted successfully by phone", number(totals.contacted_by_phone)),
            ("Recipients not contacted by phone", number(totals.not_contacted_by_phone)),
        ]

    def device_figures(self, totals: Totals) -> Pairs:
        """Return the figures that count devices. An address or a number of several people counts once."""
        modes = totals.modes

        def of(mode: Mode, name: str) -> str:
            return number(getattr(modes[mode], name) if mode in modes else 0)

        return [
            # An inbox counts once the message is in it; addresses and numbers count with any result.
            ("Total Inbox", of(Mode.INBOX, "success")),
            ("Total Emails", of(Mode.EMAIL, "devices")),
            *email_figures(totals, "Total Emails"),
            ("Total Voice", of(Mode.VOICE, "devices")),
            ("Total Text", of(Mode.TEXT, "devices")),
            ("Total Voice Attempted", of(Mode.VOICE, "attempted")),
            ("Total Text Messages Attempted", of(Mode.TEXT, "attempted")),
            # Neither a success nor an error.
            ("Total Voice Not Reached (busy, no answer)", of(Mode.VOICE, "not_reached")),
        ]

    def detail_rows(self) -> Rows:
        legend = [f"{DUPLICATE} This address or number is in the message more than once; it counts once."]
        if any(mode in self.message.modes for mode in PHONE):
            legend.insert(0, "* This recipient was not contacted by phone.")
        columns = [
            Column("Recipient", 1.25),
            Column("Student", 1.15),
            Column("Delivery Device", 1.75),
            Column("Status", 1.5),
            Column("Time", 1.1, Kind.TIME),
        ]
        if self.detail is not Detail.FAILED:
            return Rows("Delivery Detail", columns, self.rows(), legend)
        legend.insert(0, f"{FAILED_MARK}: the message did not get to this device. The others are of the same people.")
        return Rows("Delivery Detail", [Column("Result", 0.6), *columns], self.rows(), legend, marked=FAILED_MARK)
