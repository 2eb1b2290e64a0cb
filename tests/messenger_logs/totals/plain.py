"""The rules of the totals once more, in plain Python over lists: slow, and without a line of the product itself."""

import csv
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

CODES = {
    int(row["code"]): row for row in csv.DictReader((Path(settings.BASE_DIR) / "messenger_logs" / "codes.csv").open())
}
PHONE = {"voice", "text"}
# From "nothing known" to "certain". Those on one line know the same.
CERTAINTY = [
    ["duplicate"],
    ["in_progress"],
    ["vendor_received"],
    ["no_call_status"],
    ["canceled"],
    ["sent"],
    ["delivered"],
    ["restricted", "not_eligible", "opt_out"],
    ["no_answer", "busy"],
    ["failed", "error", "undelivered"],
    ["not_confirmed"],
    ["confirmed"],
]
UNTRIED = {"duplicate", "canceled", "opt_out", "not_eligible"}
COUNTS_AS = {
    "pending": {"waiting", "in_progress", "vendor_received"},
    "success": {"sent", "delivered", "confirmed"},
    "not_reached": {"not_confirmed", "no_answer", "busy", "no_call_status", "restricted"},
    "error": {"failed", "error", "undelivered"},
    "canceled": {"canceled"},
    "not_attempted": UNTRIED - {"canceled"} | {"no_device"},
}


class Evidence(NamedTuple):
    attempt: int
    status: str
    outcome: str
    at: datetime | None
    code: int | None

    @property
    def tried(self) -> bool:
        return self.status not in UNTRIED


@dataclass
class Device:
    """What one row of a message has to do with one address."""

    person: str
    mode: str
    address: str
    duplicate: bool
    evidence: list[Evidence] = field(default_factory=list)  # of the row that is duplicated, where it is one

    def attempts(self) -> dict[int, Evidence]:
        by_number: dict[int, list[Evidence]] = {}
        for one in self.evidence:
            by_number.setdefault(one.attempt, []).append(one)
        return {number: most_certain(found) for number, found in by_number.items()}

    def last(self) -> Evidence | None:
        attempts = self.attempts()
        tellings = [one for one in attempts.values() if one.status != "duplicate"] or list(attempts.values())
        return max(tellings, key=lambda one: one.attempt) if tellings else None

    @property
    def status(self) -> str:
        if not self.address:
            return "no_device"
        last = self.last()
        return last.status if last else "waiting"

    @property
    def outcome(self) -> str:
        last = self.last()
        return last.outcome if last else counts_as(self.status)

    @property
    def counted(self) -> bool:
        return bool(self.address) and not self.duplicate and self.status != "duplicate"

    @property
    def contacted(self) -> bool:
        """By this device, with any attempt that is not after the last one: a "duplicate" says nothing."""
        last = self.last()
        return self.mode in PHONE and any(
            one.outcome == "success" and last is not None and one.attempt <= last.attempt
            for one in self.attempts().values()
        )

    @property
    def attempt_count(self) -> int:
        return max((one.attempt for one in self.evidence if one.tried), default=0)

    @property
    def first_tried_at(self) -> datetime | None:
        return min((one.at for one in self.evidence if one.tried and one.at), default=None)


def counts_as(status: str) -> str:
    return next(outcome for outcome, statuses in COUNTS_AS.items() if status in statuses)


def said(mode: str, attempt: int, code: int | None, status: str, at: datetime | None) -> Evidence:
    """A report, understood."""
    if status:
        row = CODES.get(code) if code is not None else None
        same = row is not None and mode in row["modes"] and slug(row["status"]) == status
        return Evidence(attempt, status, code_outcome(row) if row and same else counts_as(status), at, code)
    row = CODES.get(code) if code is not None else None
    if row is None or mode not in row["modes"].split():
        return Evidence(attempt, "no_call_status", "not_reached", at, code)
    return Evidence(attempt, slug(row["status"]), code_outcome(row), at, code)


def slug(label: str) -> str:
    return label.lower().replace("-", "_").replace(" ", "_")


def code_outcome(row: dict[str, str]) -> str:
    if row["contacted"] == "yes":
        return "success"
    return "error" if row["error"] == "yes" else counts_as(slug(row["status"]))


def most_certain(found: list[Evidence]) -> Evidence:
    def certainty(one: Evidence) -> tuple[int, bool, float, int]:
        line = next(number for number, line in enumerate(CERTAINTY) if one.status in line)
        time = one.at.timestamp() if one.at else float("-inf")
        return line, one.outcome == "success", time, one.code if one.code is not None else -(10**6)

    # Of equals the first by name.
    return max(sorted(found, key=lambda one: one.status), key=certainty)


def people(devices: list[Device], persons: set[str]) -> dict[str, int]:
    have = {device.person for device in devices if device.address}
    contacted = {device.person for device in devices if device.contacted}
    return {
        "recipients": len(persons),
        "no_device": len(persons - have),
        "contacted_by_phone": len(contacted),
        "not_contacted_by_phone": len(persons - contacted),
    }


def figures(devices: list[Device], mode: str) -> dict[str, object]:
    counted = [device for device in devices if device.mode == mode and device.counted]
    outcomes = [device.outcome for device in counted]
    statuses = [device.status for device in counted]
    return {
        "devices": len({device.address for device in counted}),
        "attempted": len({d.address for d in counted if d.outcome != "canceled" and d.status != "opt_out"}),
        "attempts": sum(device.attempt_count for device in counted),
        **{outcome: outcomes.count(outcome) for outcome in COUNTS_AS},
        "received": statuses.count("vendor_received"),
        "opted_out": statuses.count("opt_out"),
        "canceled_begun": sum(d.outcome == "canceled" and d.attempt_count > 0 for d in counted),
        "untried": sum(d.outcome in {"not_attempted", "error"} and not d.attempt_count for d in counted),
        "undelivered": statuses.count("undelivered"),
        "last_first": max(first_tried(devices, mode).values(), default=None),
    }


def first_tried(devices: list[Device], mode: str) -> dict[str, datetime]:
    """When each person was first tried in a mode, at any of their devices."""
    found: dict[str, datetime] = {}
    for device in devices:
        if device.mode == mode and (at := device.first_tried_at):
            found[device.person] = min(at, found.get(device.person, at))
    return found
