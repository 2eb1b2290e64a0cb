"""How often the devices of a report were tried. Its rows do not say it; its figures count it for all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from imports.sources.people import ReportRow
from messenger_logs.choices import EMAIL_FAILURES, EMAIL_FIGURES, NOT_LEFT, NOT_TRIED, DeliveryStatus, Mode, Outcome
from messenger_logs.statuses import BAD_DATA, outcome_of

_UNCOUNTED = (DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE)


def outcome(row: ReportRow) -> Outcome:
    assert row.mode
    return outcome_of(row.mode, row.result.status, row.result.detail, row.result.code)


def figure(row: ReportRow) -> Outcome:
    """Return what a row counts as in the figures of a report: an e-mail that the provider refused is an error."""
    refused = row.result.status is DeliveryStatus.SENT and row.result.email_outcome in EMAIL_FAILURES
    return Outcome.ERROR if refused else outcome(row)


def email_figure(row: ReportRow) -> str:
    """Return the figure of e-mails that a handed-over e-mail counts in; "" for all else."""
    if row.mode is not Mode.EMAIL or row.result.status is not DeliveryStatus.SENT:
        return ""
    said = row.result.email_outcome
    return next((name for name, outcomes in EMAIL_FIGURES.items() if said in outcomes), "not_known")


def counts(row: ReportRow) -> bool:
    return row.mode is not None and not row.duplicate and row.result.status not in _UNCOUNTED


def stopped(row: ReportRow) -> bool:
    found = outcome(row)
    return found is Outcome.CANCELED or (found is Outcome.PENDING and row.result.status in NOT_LEFT)


@dataclass(slots=True)
class Attempts:
    """Gives each row a number of attempts: one if its status says so, else none; and then what the figures add."""

    begun: Counter[bool] = field(default_factory=Counter)
    """How many of the stopped rows were begun: calls (True) and others."""
    untried_errors: int | None = None
    """How many of the errors had no attempt; None if the report does not say it."""
    more: dict[Mode, tuple[int, int]] = field(default_factory=dict)
    """How many further attempts each tried row of a mode has, and how many of the rows have one more."""
    fewer: Counter[Mode] = field(default_factory=Counter)
    """How many rows of a mode had no attempt, although their status looks like one."""
    lone: dict[Mode, int] = field(default_factory=dict)
    """The attempts of a mode of which no status looks like one. Its first row has them all."""
    total: Counter[Mode] = field(default_factory=Counter)
    tried: Counter[Mode] = field(default_factory=Counter)

    def of(self, row: ReportRow) -> int:
        assert row.mode
        number = self._usual(row)
        if not counts(row):
            return number
        if number and self.fewer[row.mode]:
            self.fewer[row.mode] -= 1
            number = 0
        number = self.lone.pop(row.mode, number)
        if number and row.mode in self.more:
            each, left = self.more[row.mode]
            number += each + bool(left)
            self.more[row.mode] = each, max(0, left - 1)
        self.total[row.mode] += number
        self.tried[row.mode] += bool(number)
        return number

    def _usual(self, row: ReportRow) -> int:
        if counts(row) and stopped(row):
            is_call = row.mode is Mode.VOICE
            begun = self.begun[is_call] > 0
            self.begun[is_call] -= begun
            return int(begun)
        if row.result.status is DeliveryStatus.ERROR and self._untried(row):
            return 0
        return int(row.result.status not in NOT_TRIED)

    def _untried(self, row: ReportRow) -> bool:
        if self.untried_errors is None or not counts(row):
            return row.result.detail == BAD_DATA
        self.untried_errors -= 1
        return self.untried_errors >= 0
