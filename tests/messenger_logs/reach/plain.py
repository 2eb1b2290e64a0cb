"""The rules of reach once more, in plain Python over the rows: slow, and without a line of the product itself."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from messenger_logs.models import Delivery, SentMessage

BEST_FIRST = ["reached", "unconfirmed", "not_reached", "canceled", "no_device"]
# By school, language and mode ("" for any): how many people of each kind.
Counts = dict[tuple[int | None, str, str], Counter[str]]


def first_of(rows: list[Delivery], row: Delivery) -> Delivery:
    """The row that a duplicate duplicates."""
    same = [one for one in rows if (one.mode, one.address) == (row.mode, row.address) and not one.duplicate]
    return same[0] if row.duplicate and row.address and same else row


def kind_of(row: Delivery) -> str:
    if row.status == "no_device":
        return "no_device"
    if reached(row):
        return "reached"
    if row.mode == "email" and row.email_outcome in ("accepted", "failed-temporary"):
        return "unconfirmed"
    if row.mode == "email" and not row.email_outcome and (row.status == "sent" or row.reached_earlier):
        return "unconfirmed"
    if row.mode == "text" and row.status == "vendor_received":
        return "unconfirmed"
    return "canceled" if row.outcome == "canceled" else "not_reached"


def reached(row: Delivery) -> bool:
    if row.mode == "email":
        return row.email_outcome in ("delivered", "complained")
    return row.outcome == "success" or row.reached_earlier


def reached_at(row: Delivery) -> datetime | None:
    if not reached(row):
        return None
    if row.mode == "email":
        return row.email_outcome_at
    if not row.reached_earlier:
        return row.last_attempt_at
    ends = [attempt.ended_at for attempt in row.attempts.all() if attempt.outcome == "success" and attempt.ended_at]
    return min(ends, default=None)


def best(kinds: Iterable[str]) -> str:
    found = set(kinds)
    return next((kind for kind in BEST_FIRST if kind in found), "no_device")


def people(message: SentMessage) -> dict[str, dict[str, Any]]:
    """What is true of each person: school, language, the kind for any mode ("") and for each, and the first time."""
    rows = list(message.deliveries.prefetch_related("attempts"))
    recipients = list(message.recipients.order_by("pk"))
    found: dict[str, dict[str, Any]] = {}
    for person in {one.person_id for one in recipients}:
        mine = sorted((one for one in recipients if one.person_id == person), key=lambda one: not one.counted)
        devices = [first_of(rows, row) for row in rows if row.recipient_id in {one.pk for one in mine}]
        times = [moment for row in devices if (moment := reached_at(row))]
        # The counted row comes first; of the others the smallest value.
        schools = [
            mine[0].student_school_id,
            *sorted(one.student_school_id for one in mine[1:] if one.student_school_id),
        ]
        languages = [mine[0].language, *sorted(one.language for one in mine[1:])]
        found[person] = {
            "school": next((school for school in schools if school), message.school_id),
            "language": next((language for language in languages if language), ""),
            "": best(map(kind_of, devices)),
            **{mode: best(kind_of(row) for row in devices if row.mode == mode) for mode in message.modes},
            "at": min(times, default=None),
        }
    return found


def counts(message: SentMessage) -> Counts:
    found: Counts = {}
    for person in people(message).values():
        for mode in ["", *message.modes]:
            found.setdefault((person["school"], person["language"], mode), Counter())[person[mode]] += 1
    return found
