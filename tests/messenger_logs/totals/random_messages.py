"""Messages as they may come: shared addresses, people in them for two students, opt-outs, cancels, redials."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from messenger_logs.choices import MessageStatus
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.totals.plain import CODES, Device, Evidence, counts_as, figures, people, said

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MODES = ["inbox", "email", "voice", "text"]
ADDRESSES = {
    "email": ["mai@example.com", "xiong@example.com", "amina@example.com"],
    "voice": ["+16125550101", "+16125550102", "+16125550103"],
    "text": ["+16125550101", "+16125550102", "+16125550103"],
}
STATUSES = {
    "inbox": ["sent", "failed", "in_progress", "canceled"],
    "email": ["sent", "failed", "error", "in_progress", "canceled", "opt_out"],
    "voice": ["busy", "no_answer", "confirmed", "failed", "canceled", "vendor_received"],
    "text": ["sent", "delivered", "undelivered", "opt_out", "canceled", "not_eligible", "vendor_received"],
}
VOICE_AND_TEXT_CODES = [code for code in CODES if code != -29]
UNKNOWN_CODES = [77, -99]


@dataclass
class RandomMessage:
    """A message in the database, and the same in plain lists."""

    random: Random
    message: SentMessage = field(init=False)
    devices: list[Device] = field(default_factory=list)
    rows: list[Delivery] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.message = make_message(
            status=MessageStatus.WAITING, modes=MODES, dispatch_started_at=START - timedelta(hours=1)
        )
        origins: dict[tuple[str, str], int] = {}
        for person in range(self.random.randint(1, 5)):
            for student in range(self.random.choice([1, 1, 2])):
                recipient = Recipient.objects.create(
                    message=self.message,
                    person_id=f"p{person}",
                    name="Parent",
                    student_number=str(student),
                    counted=student == 0,
                )
                self.persons.add(recipient.person_id)
                for mode in MODES:
                    self._add_devices(recipient, mode, origins)
        recount(message_id=self.message.pk)

    def _add_devices(self, recipient: Recipient, mode: str, origins: dict[tuple[str, str], int]) -> None:
        if mode == "inbox":
            addresses = [recipient.person_id] if self.random.random() < 0.3 else []
        else:
            addresses = self.random.sample(ADDRESSES[mode], self.random.choice([0, 0, 1, 1, 2]))
        if not addresses and self.random.random() < 0.5:
            addresses = [""]
        for address in addresses:
            origin = origins.setdefault((mode, address), len(self.rows)) if address else len(self.rows)
            if origin < len(self.rows):
                device = Device(recipient.person_id, mode, address, True, self.devices[origin].evidence)
                first = self.rows[origin]
                names = ("status", "outcome", "attempt_count", "first_attempt_at", "last_attempt_at")
                fields = {name: getattr(first, name) for name in names}
            else:
                device = Device(recipient.person_id, mode, address, False)
                fields = self._state(device)
            self.devices.append(device)
            self.rows.append(
                Delivery.objects.create(
                    message=self.message,
                    recipient=recipient,
                    mode=mode,
                    address=address,
                    duplicate=device.duplicate,
                    **fields,
                )
            )

    def _state(self, device: Device) -> dict[str, Any]:
        """Most wait. Some came with a status, and that is evidence of their last attempt, or of the one after it."""
        if not device.address:
            return {"status": "no_device", "outcome": "not_attempted"}
        if self.random.random() < 0.7:
            return {}
        status = self.random.choice(STATUSES[device.mode])
        untried = status in {"canceled", "opt_out", "not_eligible"}
        attempts = 0 if untried else self.random.randint(1, 2)
        at = None if untried else START
        device.evidence.append(Evidence(attempts or 1, status, counts_as(status), at, None))
        tried = {"attempt_count": attempts, "first_attempt_at": at, "last_attempt_at": at}
        return {"status": status, "outcome": counts_as(status), **tried}

    def report(self) -> StatusReport:
        """Something that may be said of one of the devices, as it counts in the plain lists from now on."""
        place = self.random.choice([place for place, device in enumerate(self.devices) if device.address])
        device, row = self.devices[place], self.rows[place]
        attempt = self.random.choice([1, 1, 1, 2, 3])
        at = START + timedelta(minutes=self.random.randint(0, 5)) if self.random.random() < 0.9 else None
        code, status = None, ""
        if device.mode in {"voice", "text"} and self.random.random() < 0.7:
            fitting = [code for code in VOICE_AND_TEXT_CODES if device.mode in CODES[code]["modes"].split()]
            usual = [-39, -27, -28, -40] if device.mode == "text" else [0, 1, 5, 6]
            code = self.random.choice([*fitting, *usual * 4, *UNKNOWN_CODES, 5, -28])
            if code == 5 and device.mode == "voice" and self.random.random() < 0.5:
                status = "confirmed"
        else:
            status = self.random.choice(STATUSES[device.mode])
        by_id = self.random.random() < 0.5
        by_person = not by_id and self.random.random() < 0.5
        evidence = said(device.mode, attempt, code, status, at)
        if not (evidence.status == "duplicate" and device.duplicate and (by_id or self._is_named(device, by_person))):
            device.evidence.append(evidence)
        named = {"delivery_id": row.pk} if by_id else {"mode": device.mode, "address": device.address}
        return StatusReport(
            **named,
            person_id=device.person if by_person else "",
            attempt=attempt,
            code=code,
            status=status,
            at=at,
            raw=f'{{"code": {code}}}',
        )

    def _is_named(self, device: Device, by_person: bool) -> bool:
        """Whether a report names a row that is a duplicate: not where its person has the row that counts as well."""
        return by_person and not any(
            one.person == device.person and one.mode == device.mode and one.address == device.address
            for one in self.devices
            if not one.duplicate
        )

    def reports(self, count: int) -> list[StatusReport]:
        return [self.report() for _ in range(count)] if any(device.address for device in self.devices) else []

    def expected(self) -> dict[str, Any]:
        return {
            "people": people(self.devices, self.persons),
            "modes": {mode: figures(self.devices, mode) for mode in MODES},
            "rows": [(device.status, device.outcome) for device in self.devices],
        }

    def kept(self) -> dict[str, Any]:
        totals = totals_of(self.message)
        started = self.message.dispatch_started_at
        assert started
        states = dict(self.message.deliveries.values_list("id", "status"))
        outcomes = dict(self.message.deliveries.values_list("id", "outcome"))
        return {
            "people": {
                name: getattr(totals, name)
                for name in ("recipients", "no_device", "contacted_by_phone", "not_contacted_by_phone")
            },
            "modes": {
                mode.value: {
                    name: getattr(figures, name)
                    for name in (
                        "devices",
                        "attempted",
                        "attempts",
                        "pending",
                        "received",
                        "success",
                        "not_reached",
                        "error",
                        "canceled",
                        "not_attempted",
                        "opted_out",
                        "canceled_begun",
                        "untried",
                        "undelivered",
                    )
                }
                | {"last_first": figures.first_attempt_duration and started + figures.first_attempt_duration}
                for mode, figures in totals.modes.items()
            },
            "rows": [(states[row.pk], outcomes[row.pk]) for row in self.rows],
        }
