"""What can become of a delivery: the provider's codes, the statuses that people read, and what each one counts as.

The codes are the voice and text provider's, as Campus Messenger documents them. Whatever wants to know what a code or a
status means asks here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.db import models


class Mode(models.TextChoices):
    """How a message reaches a device."""

    INBOX = "inbox", "Inbox"
    EMAIL = "email", "Email"
    VOICE = "voice", "Voice"
    TEXT = "text", "Text"


PHONE = frozenset({Mode.VOICE, Mode.TEXT})


class Outcome(models.TextChoices):
    """What a delivery counts as. Success and error need not add up to all attempts: a busy line is neither."""

    PENDING = "pending", "Pending"
    SUCCESS = "success", "Success"
    NOT_REACHED = "not_reached", "Not reached"
    ERROR = "error", "Error"
    CANCELED = "canceled", "Canceled"
    NOT_ATTEMPTED = "not_attempted", "Not attempted"


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    IN_PROGRESS = "in_progress", "In-Progress"
    VENDOR_RECEIVED = "vendor_received", "Vendor received"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    CONFIRMED = "confirmed", "Confirmed"
    NOT_CONFIRMED = "not_confirmed", "Not Confirmed"
    NO_ANSWER = "no_answer", "No-Answer"
    BUSY = "busy", "Busy"
    FAILED = "failed", "Failed"
    ERROR = "error", "Error"
    UNDELIVERED = "undelivered", "Undelivered"
    NO_CALL_STATUS = "no_call_status", "No Call Status"
    RESTRICTED = "restricted", "Restricted"
    OPT_OUT = "opt_out", "Opt Out"
    NOT_ELIGIBLE = "not_eligible", "Not Eligible"
    NO_DEVICE = "no_device", "No Device"
    DUPLICATE = "duplicate", "Duplicate"
    CANCELED = "canceled", "Canceled"


class RedialRule(StrEnum):
    """Whether a call or text is tried again after a code."""

    YES = "yes"
    NO = "no"
    SETTING = "setting"
    WINDOW = "window"
    PROVIDER = "provider"


# What a status counts as where no code says it more exactly. A success by phone is told by the code alone: a fax that
# answers is "Not Confirmed" as well.
OUTCOMES = {
    DeliveryStatus.WAITING: Outcome.PENDING,
    DeliveryStatus.IN_PROGRESS: Outcome.PENDING,
    DeliveryStatus.VENDOR_RECEIVED: Outcome.PENDING,
    DeliveryStatus.SENT: Outcome.SUCCESS,
    DeliveryStatus.DELIVERED: Outcome.SUCCESS,
    DeliveryStatus.CONFIRMED: Outcome.SUCCESS,
    DeliveryStatus.NOT_CONFIRMED: Outcome.NOT_REACHED,
    DeliveryStatus.NO_ANSWER: Outcome.NOT_REACHED,
    DeliveryStatus.BUSY: Outcome.NOT_REACHED,
    DeliveryStatus.FAILED: Outcome.ERROR,
    DeliveryStatus.ERROR: Outcome.ERROR,
    DeliveryStatus.UNDELIVERED: Outcome.ERROR,
    DeliveryStatus.NO_CALL_STATUS: Outcome.NOT_REACHED,
    DeliveryStatus.RESTRICTED: Outcome.NOT_REACHED,
    DeliveryStatus.OPT_OUT: Outcome.NOT_ATTEMPTED,
    DeliveryStatus.NOT_ELIGIBLE: Outcome.NOT_ATTEMPTED,
    DeliveryStatus.NO_DEVICE: Outcome.NOT_ATTEMPTED,
    DeliveryStatus.DUPLICATE: Outcome.NOT_ATTEMPTED,
    DeliveryStatus.CANCELED: Outcome.CANCELED,
}


# With these, and the outcome pending, nothing has left for the device yet: it waits for its turn, or for the hours in
# which calls are allowed.
NOT_LEFT = [DeliveryStatus.WAITING, DeliveryStatus.RESTRICTED]


# How much a status says of one attempt. Of all that is reported of an attempt the highest holds, in whatever order it
# came: "sent" after "delivered" changes nothing, "undelivered" takes both back, and a person on the line outdoes what a
# machine guessed. A cancel holds where nothing had left; what had left and arrived did so.
RANKS = {
    DeliveryStatus.WAITING: 0,
    DeliveryStatus.NO_DEVICE: 0,
    DeliveryStatus.DUPLICATE: 1,
    DeliveryStatus.IN_PROGRESS: 2,
    DeliveryStatus.VENDOR_RECEIVED: 3,
    DeliveryStatus.NO_CALL_STATUS: 4,
    DeliveryStatus.CANCELED: 5,
    DeliveryStatus.SENT: 6,
    DeliveryStatus.DELIVERED: 7,
    DeliveryStatus.RESTRICTED: 8,
    DeliveryStatus.NOT_ELIGIBLE: 8,
    DeliveryStatus.OPT_OUT: 8,
    DeliveryStatus.NO_ANSWER: 9,
    DeliveryStatus.BUSY: 9,
    DeliveryStatus.FAILED: 10,
    DeliveryStatus.ERROR: 10,
    DeliveryStatus.UNDELIVERED: 10,
    DeliveryStatus.NOT_CONFIRMED: 11,
    DeliveryStatus.CONFIRMED: 12,
}

# With these, nothing was tried: they count as no attempt.
NOT_TRIED = frozenset(
    {
        DeliveryStatus.WAITING,
        DeliveryStatus.NO_DEVICE,
        DeliveryStatus.DUPLICATE,
        DeliveryStatus.NOT_ELIGIBLE,
        DeliveryStatus.OPT_OUT,
        DeliveryStatus.CANCELED,
    }
)


# The statuses that a delivery of each mode can have.
_ANY = [
    DeliveryStatus.WAITING,
    DeliveryStatus.IN_PROGRESS,
    DeliveryStatus.FAILED,
    DeliveryStatus.ERROR,
    DeliveryStatus.RESTRICTED,
    DeliveryStatus.NO_CALL_STATUS,
    DeliveryStatus.NO_DEVICE,
    DeliveryStatus.DUPLICATE,
    DeliveryStatus.CANCELED,
]
_PHONE = [*_ANY, DeliveryStatus.VENDOR_RECEIVED, DeliveryStatus.NOT_ELIGIBLE]
STATUSES = {
    Mode.INBOX: [*_ANY, DeliveryStatus.SENT],
    Mode.EMAIL: [*_ANY, DeliveryStatus.SENT, DeliveryStatus.OPT_OUT],
    Mode.VOICE: [
        *_PHONE,
        DeliveryStatus.CONFIRMED,
        DeliveryStatus.NOT_CONFIRMED,
        DeliveryStatus.NO_ANSWER,
        DeliveryStatus.BUSY,
    ],
    Mode.TEXT: [
        *_PHONE,
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.OPT_OUT,
    ],
}


@dataclass(frozen=True, slots=True)
class Code:
    """One of the provider's codes, and what it says of a delivery."""

    number: int
    name: str
    modes: frozenset[Mode]
    status: DeliveryStatus
    detail: str
    outcome: Outcome
    redial: RedialRule


def _read_codes() -> dict[int, Code]:
    labels = {status.label: status for status in DeliveryStatus}
    codes = {}
    with Path(__file__).with_name("codes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            status = labels[row["status"]]
            outcome = OUTCOMES[status]
            if row["contacted"] == "yes":
                outcome = Outcome.SUCCESS
            elif row["error"] == "yes":
                outcome = Outcome.ERROR
            codes[int(row["code"])] = Code(
                number=int(row["code"]),
                name=row["name"],
                modes=frozenset(Mode(mode) for mode in row["modes"].split()),
                status=status,
                detail=row["status_detail"],
                outcome=outcome,
                redial=RedialRule(row["redial"]),
            )
    return codes


CODES = _read_codes()


def code_of(number: int, mode: Mode | None = None) -> Code:
    """The meaning of a code, for a mode. One that has none is stored and shown all the same, and breaks nothing."""
    code = CODES.get(number)
    if code and (mode is None or mode in code.modes):
        return code
    return Code(
        number=number,
        name="Unknown",
        modes=PHONE,
        status=DeliveryStatus.NO_CALL_STATUS,
        detail=f"code {number}",
        outcome=Outcome.NOT_REACHED,
        redial=RedialRule.NO,
    )


def outcome_of(mode: Mode, status: DeliveryStatus, detail: str, code: int | None) -> Outcome:
    """What a status counts as: by its code, else by its detail where every code of it agrees, else by itself."""
    if code is not None and (known := code_of(code, mode)).status == status:
        return known.outcome
    agreed = {known.outcome for known in CODES.values() if (known.status, known.detail) == (status, detail)}
    return agreed.pop() if len(agreed) == 1 else OUTCOMES[status]
