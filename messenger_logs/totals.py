"""Read the kept totals of a message: two cheap queries for any number of deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from messenger_logs.choices import EMAIL_FIGURES, Mode
from messenger_logs.models import MessageModeTotals, MessageTotals, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People, people_of_many


@dataclass(frozen=True, slots=True)
class ModeTotals:
    """The unique addresses or numbers of one mode. Duplicates (†) do not count."""

    devices: int
    attempts: int  # with redials
    pending: int
    received: int  # part of pending: the provider has them (Vendor received, Status unknown)
    success: int
    not_reached: int
    error: int  # failed after the last retry
    undelivered: int  # part of error: those after the hand-off, such as e-mails that the provider could not deliver
    canceled: int
    canceled_begun: int  # part of canceled: the provider had them; a call that had begun was hung up
    not_attempted: int  # opted out or not eligible
    untried: int  # the not attempted and the errors for which nothing was tried
    opted_out: int
    # What the provider finally said of the e-mails that were handed over; 0 in the other modes.
    delivered: int
    failed: int
    suppressed: int
    complained: int
    first_attempt_duration: timedelta | None

    @property
    def refused(self) -> int:
        """E-mails that were handed over, and that the provider could not deliver. They are no success, but errors."""
        return self.failed + self.suppressed

    @property
    def not_known(self) -> int:
        """E-mails that were handed over, and of which the provider has said nothing final yet."""
        return self.success - self.delivered - self.complained

    @property
    def not_handed_over(self) -> int:
        """Errors of e-mails that their provider never had."""
        return self.error - self.refused

    @property
    def attempted(self) -> int:
        """Unique addresses or numbers, without canceled and opted out: the classic report's "attempted"."""
        return self.devices - self.canceled - self.opted_out

    @property
    def eligible(self) -> int:
        return self.devices - self.not_attempted

    @property
    def open(self) -> int:
        """Not handed over yet, or not done: a call that rings."""
        return self.pending - self.received

    @property
    def progress(self) -> float:
        """The part that is final, from 0 to 1; 1 where there is nothing to do."""
        return (self.devices - self.pending) / self.devices if self.devices else 1.0

    @property
    def handoff_failed(self) -> bool:
        """Whether the provider got nothing of this mode, although there was something for it."""
        due = self.eligible - self.canceled
        return due > 0 and self.error - self.undelivered == due


@dataclass(frozen=True, slots=True)
class Totals:
    recipients: int = 0
    no_device: int = 0
    contacted_by_phone: int = 0
    people: People | None = None  # the recipients by whether it reached them; None if nobody ever counted them
    modes: dict[Mode, ModeTotals] = field(default_factory=dict)
    duration: timedelta | None = None
    as_of: datetime | None = None  # None before anything was counted

    @property
    def received(self) -> int:
        """The devices whose message the provider has or may have, and reports no more about."""
        return sum(mode.received for mode in self.modes.values())

    @property
    def email(self) -> ModeTotals | None:
        """The figures of the e-mails; None where the message has no such mode."""
        return self.modes.get(Mode.EMAIL)

    @property
    def not_contacted_by_phone(self) -> int:
        return self.recipients - self.contacted_by_phone


_COUNTS = (
    "devices",
    "attempts",
    "pending",
    "received",
    "success",
    "not_reached",
    "error",
    "undelivered",
    "canceled",
    "canceled_begun",
    "not_attempted",
    "untried",
    "opted_out",
    *EMAIL_FIGURES,
)


def totals_of(message: SentMessage) -> Totals:
    """The kept totals of one message."""
    return totals_of_many([message])[message.pk]


def mode_totals_of(message_id: int) -> list[ModeTotals]:
    """The kept totals of the modes of a message, without the time of their first attempts."""
    rows = MessageModeTotals.objects.filter(totals=message_id).values(*_COUNTS)
    return [ModeTotals(**_counts(row), first_attempt_duration=None) for row in rows]


def totals_of_many(messages: Iterable[SentMessage]) -> dict[int, Totals]:
    """The kept totals of many messages, by message id. Modes are those in use, in the order of the reports."""
    by_id = {message.pk: message for message in messages}
    figures = MessageTotals.objects.filter(message__in=by_id).values(
        "message_id",
        "recipients",
        "no_device",
        "contacted_by_phone",
        "as_of",
        mode=F("modes__mode"),
        last_first_attempt_at=F("modes__last_first_attempt_at"),
        **{name: F(f"modes__{name}") for name in _COUNTS},
    )
    found = {pk: Totals(duration=_between(m.dispatch_started_at, m.dispatch_finished_at)) for pk, m in by_id.items()}
    people = people_of_many(by_id)
    rows: list[dict[str, Any]] = [dict(row) for row in figures]
    for row in sorted(rows, key=lambda row: Mode.values.index(row["mode"]) if row["mode"] else -1):
        message = by_id[row["message_id"]]
        totals = found[message.pk]
        if totals.as_of is None:
            totals = found[message.pk] = Totals(
                recipients=row["recipients"],
                no_device=row["no_device"],
                contacted_by_phone=row["contacted_by_phone"],
                people=people.get(message.pk, People() if not row["recipients"] else None),
                duration=totals.duration,
                as_of=row["as_of"],
            )
        if row["mode"]:
            totals.modes[Mode(row["mode"])] = ModeTotals(
                **_counts(row),
                first_attempt_duration=_between(message.dispatch_started_at, row["last_first_attempt_at"]),
            )
    return found


# The e-mails that were handed over, by what the provider finally said: see EMAIL_OUTCOME_LABELS. The refused ones are a
# part of them again. A kept success has the refused ones too.
_EMAILS = JSONObject(
    **{name: F(name) for name in EMAIL_FIGURES},
    not_known=F("success") - F("delivered") - F("failed") - F("suppressed") - F("complained"),
    refused=F("failed") + F("suppressed"),
)


def _emails() -> QuerySet[MessageModeTotals]:
    return MessageModeTotals.objects.filter(mode=Mode.EMAIL, success__gt=0)


def emails_of_many(message_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The e-mails of many messages by what the provider finally said, by message id; only where any were handed over.

    The figures are those of EMAIL_OUTCOME_LABELS, and `refused`: sent, but not delivered.
    """
    return dict(_emails().filter(totals__in=list(message_ids)).values_list("totals_id", _EMAILS))


def with_emails(messages: SentMessageQuerySet) -> SentMessageQuerySet:
    """Add `emails`: what `emails_of_many` reads, for each message; None where none were handed over."""
    return messages.annotate(emails=Subquery(_emails().filter(totals=OuterRef("pk")).values(figures=_EMAILS)))


def _counts(row: dict[str, Any]) -> dict[str, int]:
    """The figures of a mode. An e-mail that the provider refused was handed over, but it is no success."""
    counts = {name: row[name] for name in _COUNTS}
    refused = counts["failed"] + counts["suppressed"]
    return counts | {
        "success": counts["success"] - refused,
        "error": counts["error"] + refused,
        "undelivered": counts["undelivered"] + refused,
    }


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return max(end - start, timedelta(0)) if start and end else None
