"""The Delivery Summary of a message: its figures, with the rows behind each, and the progress of each mode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.statuses import Shape, Status, Tone
from messenger_logs.cancel_figures import CancelFigures, cancel_figures
from messenger_logs.choices import CANCELABLE, PHONE, MessageStatus, Mode, Outcome
from messenger_logs.models import SentMessage
from messenger_logs.reach import People, PeopleInParts, people_in_parts, reached_times
from messenger_logs.signals import delays_requested
from messenger_logs.status_labels import EMAIL_OUTCOME_LABELS, MESSAGE_STATUSES, NOT_HANDED_OVER
from messenger_logs.totals import ModeTotals, Totals, totals_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The figures of the summary. Each name is also the name of the filter that shows the rows behind the figure.
BY_PHONE = [
    ("contacted_by_phone", _("Recipients contacted successfully by phone")),
    ("not_contacted_by_phone", _("Recipients not contacted by phone")),
]
PEOPLE = [("recipients", _("Total Recipients")), ("no_device", _("Total No Device")), *BY_PHONE]
DEVICES = [
    (Mode.INBOX.value, _("Total Inbox")),
    (Mode.EMAIL.value, _("Total Emails")),
    (Mode.VOICE.value, _("Total Voice")),
    (Mode.TEXT.value, _("Total Text")),
]
# The e-mails that were handed over: the provider's word divides them, and the last figure is a part of them again.
EMAILS = [
    *((f"email_{name}", status.word) for name, status in EMAIL_OUTCOME_LABELS.items()),
    ("email_refused", _("Sent, but not delivered")),
]
FIGURES = [*PEOPLE, *DEVICES, *EMAILS]
# For so long after its begin, an open page of a message is refreshed for the outcomes of its e-mails. Nearly all of
# them are known by then; a complaint may come much later.
OUTCOMES_FOLLOW = timedelta(days=3)


@dataclass(frozen=True)
class Figure:
    name: str
    label: StrOrPromise
    number: int


@dataclass(frozen=True)
class Part:
    """A part of the devices of a mode. `rows` are the filters of the recipients that show these rows."""

    status: Status
    number: int
    rows: Mapping[str, str]


# What the devices of a mode count as, in the order of a bar.
_PARTS = {
    Outcome.SUCCESS: ("success", Status(pgettext_lazy("status", "reached"), Shape.CHECK, Tone.GOOD)),
    Outcome.ERROR: ("error", Status(pgettext_lazy("status", "failed"), Shape.CROSS, Tone.BAD)),
    Outcome.NOT_REACHED: (
        "not_reached",
        Status(pgettext_lazy("status", "not reached (busy, no answer)"), Shape.RING, Tone.WARNING),
    ),
    Outcome.CANCELED: ("canceled", Status(pgettext_lazy("status", "canceled"), Shape.SQUARE, Tone.NEUTRAL)),
    Outcome.PENDING: ("pending", Status(pgettext_lazy("status", "not done yet"), Shape.HALF, Tone.RUNNING)),
    Outcome.NOT_ATTEMPTED: (
        "not_attempted",
        Status(pgettext_lazy("status", "opted out or not eligible"), Shape.DIAMOND, Tone.NEUTRAL),
    ),
}
_OF_EMAIL = {**EMAIL_OUTCOME_LABELS, "not_handed_over": NOT_HANDED_OVER}


@dataclass(frozen=True)
class Progress:
    """The devices of a mode by their result. The parts are all of them; only e-mail has the provider's word."""

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
        of_email = self.mode is Mode.EMAIL
        left_out = {Outcome.SUCCESS, Outcome.ERROR} if of_email else set()
        parts = list(self._of_email()) if of_email else []
        parts += [
            Part(status, getattr(self.totals, name), self._rows("counted", outcome=outcome.value))
            for outcome, (name, status) in _PARTS.items()
            if outcome not in left_out
        ]
        return [part for part in parts if part.number]

    def _of_email(self) -> Iterator[Part]:
        for name, status in _OF_EMAIL.items():
            yield Part(status.lower, getattr(self.totals, name), self._rows(f"email_{name}"))

    def _rows(self, figure: str, **more: str) -> dict[str, str]:
        return {"figure": figure, "mode": self.mode.value} | more


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
    def under_way(self) -> bool:
        """Whether devices are still to be tried."""
        return self.message.status in CANCELABLE

    @property
    def live(self) -> bool:
        """Whether the figures can still change: the message waits, it runs, its cancel is not complete, or e-mail of it
        left lately, so that the provider may still say what happened to it.
        """
        message = self.message
        canceling = message.cancel_asked_at is not None and message.cancel_completed_at is None
        return self.under_way or canceling or self._awaits_outcomes

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
        if not self.under_way:
            return []
        answers = delays_requested.send(SentMessage, message=self.message)
        return [sentence for _, sentences in answers for sentence in sentences or []]

    @property
    def people(self) -> People | None:
        """The recipients by whether the message reached them; None if there are none, or nobody counted them yet."""
        return self.totals.people if self.totals.recipients else None

    @cached_property
    def reached_by(self) -> dict[int, datetime]:
        """By when so many percent of the people were reached. A part that was not reached is not there."""
        return reached_times(self.message.pk) if self.people else {}

    @cached_property
    def parts(self) -> PeopleInParts:
        """The people for each mode and school."""
        return people_in_parts(self.message.pk)

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
    def of_emails(self) -> list[Figure]:
        """What the provider said of the e-mails; nothing for a message without e-mail."""
        email = self.totals.email
        if email is None:
            return []
        return [Figure(name, label, getattr(email, name.removeprefix("email_"))) for name, label in EMAILS]

    @property
    def figure_groups(self) -> list[tuple[str, list[Figure]]]:
        groups = [
            (gettext("People"), self.of_people),
            (gettext("Devices"), self.of_devices),
            (gettext("E-mails"), self.of_emails),
        ]
        return [(heading, figures) for heading, figures in groups if figures]

    @property
    def progress(self) -> Iterator[Progress]:
        """A bar for each mode in use."""
        return (Progress(mode, totals) for mode, totals in self.totals.modes.items())
