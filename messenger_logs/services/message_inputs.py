"""A message as it came, with its recipients, devices and attempts, before it is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from messenger_logs.choices import NOT_TRIED, DeliveryStatus, MessageStatus, Mode, Outcome
from messenger_logs.models import SentMessage
from messenger_logs.statuses import RANKS, code_of, outcome_of


@dataclass(slots=True)
class AttemptInput:
    number: int
    started_at: datetime | None
    ended_at: datetime | None
    code: int | None
    provider_id: str


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one attempt."""

    status: DeliveryStatus
    detail: str
    outcome: Outcome

    @property
    def made(self) -> bool:
        return self.status not in NOT_TRIED

    @property
    def rank(self) -> int:
        return RANKS[self.status]


@dataclass(slots=True)
class DeviceInput:
    mode: Mode
    address: str
    status: DeliveryStatus
    detail: str = ""
    code: int | None = None
    provider_id: str = ""
    time: datetime | None = None
    attempts: list[AttemptInput] = field(default_factory=list)
    given_address: str = ""
    # False for an address that nothing can go to: the device has an error, and nobody tried it.
    usable: bool = True
    # Its source marks it as one that the message has before. Nothing else could say so of an address that it hides.
    duplicate: bool = False
    # Never part of JSON: a stored device may have them, and a report of this product.
    email_outcome: str = ""
    email_reason: str = ""
    email_outcome_at: datetime | None = None
    email_linked_by: str = ""

    @property
    def key(self) -> tuple[Mode, str]:
        return self.mode, self.address

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.mode, self.status, self.detail, self.code)

    @property
    def attempt_count(self) -> int:
        return len(self.attempts) or int(self.usable and self.status not in NOT_TRIED)

    @property
    def first_attempt_at(self) -> datetime | None:
        return min((moment for one in self.attempts if (moment := one.started_at or one.ended_at)), default=self.time)

    @property
    def last_attempt_at(self) -> datetime | None:
        return self.time or max(
            (moment for one in self.attempts if (moment := one.ended_at or one.started_at)), default=None
        )

    @property
    def reached_earlier(self) -> bool:
        """Whether an attempt before the last one reached somebody."""
        return self.outcome != Outcome.SUCCESS and any(
            self.result_of(one).outcome == Outcome.SUCCESS for one in self.attempts[:-1]
        )

    def result_of(self, attempt: AttemptInput) -> Result:
        """The last attempt has the result of the device. An earlier one has the result of its code."""
        if attempt is self.attempts[-1]:
            return Result(self.status, self.detail, self.outcome)
        if attempt.code is None:
            return Result(DeliveryStatus.NO_CALL_STATUS, "", Outcome.NOT_REACHED)
        code = code_of(attempt.code, self.mode)
        return Result(code.status, code.detail, code.outcome)


@dataclass(slots=True)
class RecipientInput:
    person_id: str
    name: str
    student_number: str
    student_name: str
    merge_fields: dict[str, str]
    language: str = ""
    student_school: str = ""
    # By mode and address: a number that comes twice, for home and for work, is one device.
    devices: dict[tuple[Mode, str], DeviceInput] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.person_id, self.student_number, self.student_name

    def add(self, devices: Iterable[DeviceInput]) -> None:
        for device in devices:
            known = self.devices.get(device.key)
            # The provider may report a call to a device, and then a duplicate of it. The call counts.
            if known is None or known.status == DeliveryStatus.DUPLICATE:
                self.devices[device.key] = device


@dataclass(slots=True)
class MessageInput:
    """A message as it came. `message` is unsaved and lacks the fields that need the database."""

    message: SentMessage
    status: MessageStatus | None  # None: the results of the deliveries decide
    sender: str
    school: str
    calendars: list[tuple[str, str, str]]  # school, name, school year
    recipients: list[RecipientInput]
