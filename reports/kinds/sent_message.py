"""The Sent Message Report of the classic Messenger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.tools import Tool
from core.durations import duration_text
from messenger_logs.choices import CANCELABLE, PHONE, MessageStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import MESSAGE_STATUSES
from messenger_logs.totals import Totals, totals_of
from reports.document import DUPLICATE, Column, Document, Figures, Kind, Rows, Section
from reports.kinds.deliveries import ClassicRows, failed_mark
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
    NO_DEVICE = "no_device", _("No Device")
    INBOX = "inbox", Mode.INBOX.label
    EMAIL = "email", Mode.EMAIL.label
    PHONE = "phone", _("Voice/Text")

    @property
    def modes(self) -> list[Mode]:
        if self is Device.PHONE:
            return [mode for mode in Mode if mode in PHONE]
        return [] if self is Device.NO_DEVICE else [Mode(self.value)]


class Detail(TextChoices):
    ALL = "all", pgettext_lazy("report", "All")
    SUMMARY = "summary", _("Summary")
    FAILED = "failed", _("Failed Delivery")


def devices_of(message: SentMessage) -> list[Device]:
    """Return the devices that a report of the message can include: those it used, and No Device."""
    return [device for device in Device if not device.modes or any(mode in message.modes for mode in device.modes)]


class SentMessageForm(MessageForm):
    devices = forms.MultipleChoiceField(
        label=_("Include Delivery Devices"),
        choices=Device.choices,
        widget=Choices,
        required=False,
        error_messages={"invalid_choice": _("Choose devices from No Device, Inbox, Email and Voice/Text.")},
    )
    detail = forms.ChoiceField(
        label=_("Report Detail"),
        choices=Detail.choices,
        widget=OneChoice,
        initial=Detail.ALL,
        required=False,
        error_messages={"invalid_choice": _("Choose All, Summary or Failed Delivery.")},
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
                gettext("The message did not go by %(devices)s, so the report cannot include that.")
                % {"devices": labels(missing, Device.choices)}
            )
        return chosen

    def clean_detail(self) -> Detail:
        detail = Detail(self.cleaned_data["detail"] or Detail.ALL)
        if detail is Detail.FAILED and self.runs:
            raise ValidationError(
                gettext("Failed Delivery is not available while the message is Waiting or In-Progress.")
            )
        return detail

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if not chosen.get("devices") and "devices" in chosen and chosen.get("detail") in (Detail.ALL, Detail.FAILED):
            self.add_error("devices", gettext("Choose at least one delivery device, or the Summary."))
        return chosen


class SentMessageReport(MessageReport):
    kind = "sent-message"
    label = _("Sent Message Report")
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
            title=str(self.label),
            subtitle=self.school,
            generated_on=moment(timezone.now(), seconds=True),
            header=self.header(),
            sections=list(self.sections(totals_of(self.message))),
            summary_in_csv=not self.chosen["rows_only"],
        )

    @property
    def criteria(self) -> Pairs:
        return [
            (gettext("Report Detail"), str(self.detail.label)),
            (gettext("Include Recipient Devices"), labels(self.devices, Device.choices) or pgettext("devices", "none")),
        ]

    def header(self) -> Pairs:
        message = self.message
        return [
            (gettext("Message Status"), MESSAGE_STATUSES[MessageStatus(message.status)].in_english),
            (gettext("Subject"), message.display_subject),
            (gettext("Type"), message.message_type),
            (gettext("Sender"), message.sender_name),
            (gettext("Date Created"), moment(message.created_at)),
            *self.criteria,
            *self.scope_header(),
            *self.asked_for_by,
        ]

    def sections(self, totals: Totals) -> list[Section]:
        modes = [mode for device in self.devices for mode in device.modes]
        summary: list[Section] = [
            *outcome_bars(self.message, totals, modes or list(Mode)),
            Figures(gettext("Delivery Summary"), self.times(totals), columns=2, counted=True),
            Figures(gettext("People"), self.people_figures(totals), columns=2, counted=True),
            Figures(gettext("Devices"), self.device_figures(totals), columns=2, counted=True),
        ]
        if self.detail is Detail.SUMMARY:
            return summary
        if self.detail is Detail.FAILED:
            return [*summary, self.detail_rows()]
        criteria = [(str(label), str(value)) for label, value in self.message.criteria]
        return [
            *summary,
            Figures(gettext("Filter Criteria"), criteria),
            message_detail(self.message),
            self.detail_rows(),
        ]

    def times(self, totals: Totals) -> Pairs:
        message = self.message
        return [
            (gettext("Start Time"), moment(message.dispatch_started_at) or gettext("not begun")),
            (gettext("End Time"), moment(message.dispatch_finished_at) or gettext("not finished")),
            (gettext("Duration"), duration_text(totals.duration if isinstance(totals.duration, timedelta) else None)),
            *cancel_summary(message),
        ]

    def people_figures(self, totals: Totals) -> Pairs:
        """Return the figures that count people, each of them once."""
        no_device = [(gettext("Total No Device"), number(totals.no_device))] if Device.NO_DEVICE in self.devices else []
        return [
            (gettext("Total Recipients"), number(totals.recipients)),
            *no_device,
            *reach_figures(totals),
            (gettext("Recipients contacted successfully by phone"), number(totals.contacted_by_phone)),
            (gettext("Recipients not contacted by phone"), number(totals.not_contacted_by_phone)),
        ]

    def device_figures(self, totals: Totals) -> Pairs:
        """Return the figures that count devices. An address or a number of several people counts once."""
        modes = totals.modes

        def of(mode: Mode, name: str) -> str:
            return number(getattr(modes[mode], name) if mode in modes else 0)

        return [
            # An inbox counts once the message is in it; addresses and numbers count with any result.
            (gettext("Total Inbox"), of(Mode.INBOX, "success")),
            (gettext("Total Emails"), of(Mode.EMAIL, "devices")),
            *email_figures(totals, gettext("Total Emails %(outcome)s")),
            (gettext("Total Voice"), of(Mode.VOICE, "devices")),
            (gettext("Total Text"), of(Mode.TEXT, "devices")),
            (gettext("Total Voice Attempted"), of(Mode.VOICE, "attempted")),
            (gettext("Total Text Messages Attempted"), of(Mode.TEXT, "attempted")),
            # Neither a success nor an error.
            (gettext("Total Voice Not Reached (busy, no answer)"), of(Mode.VOICE, "not_reached")),
        ]

    def detail_rows(self) -> Rows:
        twice = gettext("This address or number is in the message more than once; it counts once.")
        legend = [f"{DUPLICATE} {twice}"]
        if any(mode in self.message.modes for mode in PHONE):
            not_contacted = gettext("This recipient was not contacted by phone.")
            legend.insert(0, f"* {not_contacted}")
        columns = [
            Column(gettext("Recipient"), 1.25),
            Column(gettext("Student"), 1.15),
            Column(gettext("Delivery Device"), 1.75),
            Column(gettext("Status"), 1.5),
            Column(gettext("Time"), 1.1, Kind.TIME),
        ]
        if self.detail is not Detail.FAILED:
            return Rows(gettext("Delivery Detail"), columns, self.rows(), legend)
        mark, columns = failed_mark(), [Column(gettext("Result"), 0.6), *columns]
        failed = gettext("%(mark)s: the message did not get to this device. The others are of the same people.")
        legend.insert(0, failed % {"mark": mark})
        return Rows(gettext("Delivery Detail"), columns, self.rows(), legend, marked=mark)
