"""The Delivery Summary of a message: its figures, with the rows behind each, and the progress of each mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.statuses import Status
from messenger_logs.cancel_figures import CancelFigures, cancel_figures
from messenger_logs.choices import CANCELABLE, PHONE, MessageStatus, Mode, Outcome
from messenger_logs.models import SentMessage
from messenger_logs.signals import delays_requested
from messenger_logs.status_labels import MESSAGE_STATUSES
from messenger_logs.totals import ModeTotals, Totals, totals_of

# The figures of the summary. Each name is also the name of the filter that shows the rows behind the figure.
BY_PHONE = [
    ("contacted_by_phone", "Recipients contacted successfully by phone"),
    ("not_contacted_by_phone", "Recipients not contacted by phone"),
]
PEOPLE = [("recipients", "Total Recipients"), ("no_device", "Total No Device"), *BY_PHONE]
DEVICES = [
    (Mode.INBOX.value, "Total Inbox"),
    (Mode.EMAIL.value, "Total Emails"),
    (Mode.VOICE.value, "Total Voice"),
    (Mode.TEXT.value, "Total Text"),
]
FIGURES = [*PEOPLE, *DEVICES]
# For so long after its begin, an open page of a message is refreshed for the outcomes of its e-mails. Nearly all of
# them are known by then; a complaint may come much later.
OUTCOMES_FOLLOW = timedelta(days=3)


@dataclass(frozen=True)
class Figure:
    name: str
    label: str
    number: int


@dataclass(frozen=True)
class Part:
    """The devices of a mode with one outcome."""

    outcome: Outcome
    word: str
    number: int


# The words of the parts, in their order.
_PARTS = {
    Outcome.ERROR: ("error", "failed"),
    Outcome.NOT_REACHED: ("not_reached", "not reached (busy, no answer)"),
    Outcome.CANCELED: ("canceled", "canceled"),
    Outcome.PENDING: ("pending", "not done yet"),
}


@dataclass(frozen=True)
class Progress:
    """How many of the devices of a mode were reached; the parts are all others that were to be reached."""

    mode: Mode
    totals: ModeTotals

    @property
    def devices(self) -> int:
        return self.totals.eligible

    @property
    def percent(self) -> int:
        return _percent(self.totals.success, self.devices)

    @property
    def parts(self) -> list[Part]:
        numbers = {outcome: getattr(self.totals, name) for outcome, (name, _) in _PARTS.items()}
        return [Part(outcome, _PARTS[outcome][1], number) for outcome, number in numbers.items() if number]


def _percent(done: int, devices: int) -> int:
    """Whole percents, and 100 only when nothing is left."""
    return math.floor(100 * done / devices) if devices else 0


def percent_done(totals: Totals) -> int:
    """The part of a message that is final, in whole percents over all modes; 0 before anything was counted."""
    modes = totals.modes.values()
    devices = sum(mode.devices for mode in modes)
    return _percent(devices - sum(mode.pending for mode in modes), devices)


@dataclass(frozen=True)
class DeliverySummary:
    message: SentMessage
    totals: Totals
    as_of: datetime
    canceled: CancelFigures | None
    """The figures of its cancel; None where nobody canceled it here."""

    @classmethod
    def of(cls, message: SentMessage) -> DeliverySummary:
        canceled = cancel_figures(message.pk) if message.cancel_asked_at else None
        return cls(message, totals_of(message), timezone.now(), canceled)

    @property
    def status(self) -> Status:
        return MESSAGE_STATUSES[MessageStatus(self.message.status)]

    @property
    def waiting(self) -> bool:
        return self.message.status == MessageStatus.WAITING

    @property
    def live(self) -> bool:
        """Whether the figures can still change: the message waits, it runs, its cancel is not complete, or e-mail of it
        left lately, so that the provider may still say what happened to it.
        """
        message = self.message
        canceling = message.cancel_asked_at is not None and message.cancel_completed_at is None
        return message.status in CANCELABLE or canceling or self._awaits_outcomes

    @property
    def _awaits_outcomes(self) -> bool:
        message = self.message
        began = message.dispatch_started_at or message.scheduled_at or message.created_at
        email = self.totals.modes.get(Mode.EMAIL)
        left = email is not None and email.success + email.undelivered > 0
        return left and began > self.as_of - OUTCOMES_FOLLOW

    @property
    def delays(self) -> list[str]:
        """Sentences that say why a part of the message does not go out now."""
        if self.message.status not in CANCELABLE:
            return []
        answers = delays_requested.send(SentMessage, message=self.message)
        return [sentence for _, sentences in answers for sentence in sentences or []]

    @property
    def of_people(self) -> list[Figure]:
        """The figures that count people. Those by phone are only for messages with voice or text."""
        shown = PEOPLE if PHONE.intersection(self.message.modes) else PEOPLE[: -len(BY_PHONE)]
        return [Figure(name, label, getattr(self.totals, name)) for name, label in shown]

    @property
    def of_devices(self) -> list[Figure]:
        # An inbox counts when the message is in it; an address or a number counts with any result.
        numbers = {
            mode.value: totals.success if mode is Mode.INBOX else totals.devices
            for mode, totals in self.totals.modes.items()
        }
        return [Figure(name, label, numbers.get(name, 0)) for name, label in DEVICES]

    @property
    def figure_groups(self) -> list[tuple[str, list[Figure]]]:
        return [("People", self.of_people), ("Devices", self.of_devices)]

    @property
    def progress(self) -> Iterator[Progress]:
        """A bar for each mode in use."""
        return (Progress(mode, totals) for mode, totals in self.totals.modes.items())
