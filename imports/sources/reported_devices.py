"""The devices of a report: numbers as it prints them, and attempts of which it knows how many there were."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from messenger_logs.choices import Mode
from messenger_logs.services.addresses import DeviceAddress
from messenger_logs.services.message_inputs import DeviceInput
from messenger_logs.status_labels import device_text

# A number as our reports print it, its extension, and a note: "(612) 555-0143 ext. 45 (Mom)".
_PRINTED = re.compile(r"(?P<number>\(\d{3}\) \d{3}-\d{4}|\+\d+)(?: ext\. (?P<ext>\d+))?(?: (?P<note>.*))?", re.DOTALL)
# The mark of the person in the address of a device that nothing can go to: a blank and eight patterns of Braille.
_BRAILLE = re.compile(r"(?P<address>.* [\u2800-\u28ff]{8})(?: (?P<given>.*))?", re.DOTALL)


@dataclass(slots=True)
class ReportedDevice(DeviceInput):
    """A device whose attempts are a number alone."""

    attempts_made: int = 0
    earlier: bool = False
    first_at: datetime | None = None

    @property
    def attempt_count(self) -> int:
        return self.attempts_made

    @property
    def first_attempt_at(self) -> datetime | None:
        return self.first_at

    @property
    def reached_earlier(self) -> bool:
        return self.earlier


def printed_number(mode: Mode, text: str) -> DeviceAddress | None:
    """Return the number that our reports print as this text; None if they print none like it."""
    if found := _BRAILLE.fullmatch(text):
        return DeviceAddress(found["address"], found["given"] or "")
    found = _PRINTED.fullmatch(text)
    if not found:
        return None
    digits = re.sub(r"\D", "", found["number"])
    number = f"+{digits}" if found["number"].startswith("+") else f"+1{digits}"
    address = f"{number};ext={found['ext']}" if found["ext"] else number
    note = found["note"] or ""
    givens = ["", f"{found['number']} {note}", f"{note} {found['number']}", note]
    given = next((given for given in givens if device_text(mode, address, given) == text), None)
    return None if given is None else DeviceAddress(address, given)
