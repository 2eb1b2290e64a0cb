"""Messages out of logs that Mailgun exports: a row is an event of one e-mail to one address, in any order.

E-mails with one sender and subject, of one day, are one message. A later event belongs to the day of its e-mail, where
the file has Message-Ids. The last word of the provider about an address counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from imports.sources.base import Found
from imports.sources.rows import RowSource, person_id_of
from imports.table import Row
from imports.times import BadTime
from imports.values import read_outcome
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.services.bulk_copy import ROWS_A_COPY
from messenger_logs.services.json_fields import MOST_ERRORS, FieldError, IntakeError
from messenger_logs.services.message_format import merge_recipients, read_recipients
from messenger_logs.services.message_inputs import RecipientInput

# The more an event says about the end of an e-mail, the higher. Who opens an e-mail has it.
_RANKS = {
    "accepted": 0,
    "failed-temporary": 1,
    "delivered": 2,
    "suppressed": 3,
    "rejected": 3,
    "failed": 3,
    "failed-permanent": 3,
    "complained": 4,
}
_IMPLY_DELIVERED = frozenset({"opened", "clicked", "unsubscribed"})


@dataclass(frozen=True, slots=True)
class Event:
    rank: int
    at: datetime
    row: int
    address: str
    person_id: str
    outcome: str
    reason: str
    provider_id: str


class MailgunSource(RowSource):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.day_of: dict[int, str] = {}
        """The key of the message that an e-mail belongs to, by a hash of its Message-Id."""

    def key(self, row: Row) -> str:
        email = hash(self.cell(row, "provider_id").strip("<>").lower())
        known = self.day_of.get(email) if self.cell(row, "provider_id") else None
        if known is None:
            moment = self.time_or_none(self.cell(row, "time"))
            day = f"{timezone.localtime(moment):%Y-%m-%d}" if moment else ""
            known = "\n".join([day, self.cell(row, "sender_name"), self.cell(row, "subject")])
            if self.cell(row, "provider_id"):
                self.day_of[email] = known
        return known

    def external_id(self, key: str) -> str:
        """Return an id of sender, subject and day, so that the same e-mails in another file are known."""
        return f"mailgun-{blake2b(key.encode(errors='replace'), digest_size=16).hexdigest()}"

    def mode(self, row: Row) -> Mode:
        return Mode.EMAIL

    def parts(self, found: Found, rows: Iterable[Row]) -> Iterator[list[RecipientInput]]:
        """Yield the recipients of a message, after its last event is read."""
        errors: list[FieldError] = []
        last: dict[str, Event] = {}
        for count, row in enumerate(rows, 1):
            try:
                event = self.event(row)
            except IntakeError as error:
                errors += map(self.renamed, error.errors)
                continue
            known = last.get(event.address)
            if known is None or (event.rank, event.at) > (known.rank, known.at):
                last[event.address] = event
            if not count % 1000:
                self.progress(1000)
        if errors:
            raise IntakeError(errors[:MOST_ERRORS])
        self.progress(found.rows % 1000)
        events = iter(last.values())
        while batch := list(islice(events, ROWS_A_COPY)):
            yield merge_recipients([self.of_an_event(event) for event in batch])

    def event(self, row: Row) -> Event:
        """Read an event. Raises IntakeError."""
        try:
            at = self.time(self.cell(row, "time"))
        except BadTime as error:
            raise IntakeError([FieldError(row.number, "time", str(error))]) from None
        address = self.cell(row, "device")
        missing = [name for name, value in (("time", at), ("device", address)) if not value]
        if missing or at is None:
            raise IntakeError([FieldError(row.number, name, _("is missing")) for name in missing])
        outcome, reason = self.outcome(row)
        provider_id = self.cell(row, "provider_id").strip("<>")
        rank = _RANKS.get(outcome, -1)
        return Event(rank, at, row.number, address, self.cell(row, "person_id"), outcome, reason, provider_id)

    def outcome(self, row: Row) -> tuple[str, str]:
        """Return what an event says of its e-mail, and the reason."""
        word, reason = self.cell(row, "event").lower(), self.cell(row, "reason")[:2000]
        if word in _IMPLY_DELIVERED:
            return "delivered", ""
        outcome = (read_outcome(self.cell(row, "event")) or ("", ""))[0]
        if outcome == "failed" and reason.startswith("suppress-"):
            outcome = "suppressed"
        elif outcome == "failed" and (severity := self.cell(row, "severity").lower()) in ("permanent", "temporary"):
            outcome = f"failed-{severity}"
        if outcome not in _RANKS:
            self.notes[_("Events that say nothing about the end of an e-mail: their addresses are in as Sent.")] += 1
            return "", ""
        return outcome, "" if outcome == "delivered" else reason

    def of_an_event(self, event: Event) -> RecipientInput:
        device = {
            "mode": Mode.EMAIL,
            "address": event.address,
            "status": DeliveryStatus.SENT,
            "time": event.at.isoformat(),
            "provider_id": event.provider_id or None,
        }
        person_id = event.person_id or person_id_of(event.address)
        data = {"person_id": person_id, "name": event.address[:200], "devices": [device]}
        [recipient] = read_recipients([(event.row, data)], modes=[Mode.EMAIL])
        for one in recipient.devices.values():
            one.email_outcome, one.email_reason = event.outcome, event.reason
        return recipient
