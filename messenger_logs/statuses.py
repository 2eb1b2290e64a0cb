"""What the provider's codes and the statuses of a delivery mean: what each one counts as, and which one outranks which.

The codes are those of the voice and text provider, as Campus Messenger documents them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.languages import english
from messenger_logs.choices import PHONE, DeliveryStatus, Mode, Outcome, RedialRule

# The detail of a device whose address or number is wrong.
BAD_DATA = "Bad data"

# What a status counts as where no code says it more exactly. Only the code shows a success by phone: a fax that answers
# is "Not Confirmed" as well.
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


# How much a status says about one attempt. Of all reports about an attempt the highest one holds, in any order of
# arrival: "sent" after "delivered" changes nothing, "undelivered" replaces both, and a person on the line outranks the
# guess of a machine. A cancel holds where nothing had left; what had left and arrived did arrive.
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
    """One of the provider's codes, and what it says about a delivery."""

    number: int
    name: str
    modes: frozenset[Mode]
    status: DeliveryStatus
    detail: str
    outcome: Outcome
    redial: RedialRule


def _read_codes() -> dict[int, Code]:
    labels = {english(status.label): status for status in DeliveryStatus}
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
    """The meaning of a code, for a mode. An unknown code has a meaning too, so that it can be stored and shown."""
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


def detail_of(code: int | None, mode: Mode, status: DeliveryStatus) -> str:
    """The detail that a code gives to a status; "" where the code speaks of another status.

    A call that somebody confirmed has the detail of the answered call that it was.
    """
    if code is None:
        return ""
    known = code_of(code, mode)
    confirmed = status is DeliveryStatus.CONFIRMED and known.status is DeliveryStatus.NOT_CONFIRMED
    return known.detail if confirmed or known.status is status else ""


def outcome_of(mode: Mode, status: DeliveryStatus, detail: str, code: int | None) -> Outcome:
    """What a status counts as. A code decides; else the detail, where all its codes agree; else the status alone."""
    if code is not None and (known := code_of(code, mode)).status == status:
        return known.outcome
    return _agreed().get((status, detail), OUTCOMES[status])


@cache
def _agreed() -> dict[tuple[DeliveryStatus, str], Outcome]:
    """The outcomes of details whose codes all have the same, by status and detail."""
    found: dict[tuple[DeliveryStatus, str], set[Outcome]] = {}
    for known in CODES.values():
        found.setdefault((known.status, known.detail), set()).add(known.outcome)
    return {key: outcomes.pop() for key, outcomes in found.items() if len(outcomes) == 1}
