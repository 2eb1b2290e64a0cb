"""What carries messages to devices, behind the same few words: the inbox, the e-mail provider, voice and text.

A gateway never touches the database state of a delivery: it is handed items and says what became of them. It is called
outside of any transaction, and makes no retries that could hand an item over twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.status_reports import StatusReport
from providers.http import TryLaterError, UnknownError

__all__ = [
    "Answer",
    "Gateway",
    "HandOff",
    "Item",
    "OpenAttempt",
    "PollingGateway",
    "Result",
    "TryLaterError",
    "UnknownError",
    "gateway_for",
    "polling_gateway_for",
]


@dataclass(frozen=True, slots=True)
class Item:
    """One try at one device. ``merge_fields`` are the recipient's values, see messenger_logs.merge_fields."""

    delivery_id: int
    attempt: int  # from 1
    address: str
    person_id: str
    name: str
    merge_fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HandOff:
    """Items of one message and mode that go to a provider at once.

    The key and the time stay the same when it is looked up; the items are then those whose fate is unknown.
    """

    key: UUID
    message: SentMessage
    mode: Mode
    items: Sequence[Item]
    handed_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item. Without a report the provider surely never had it, and it may be handed over again."""

    delivery_id: int
    report: StatusReport | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Results, and the provider's answer as it came. An item without a result is one whose fate is not known."""

    results: Sequence[Result]
    raw: str = ""


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A try that a provider has taken, and whose end it has not told yet: its report was In-Progress."""

    delivery_id: int
    attempt: int
    provider_id: str
    mode: Mode


class Gateway(Protocol):
    """One provider's way for one mode."""

    @property
    def batch(self) -> int:
        """How many items of a message one hand-off may have."""
        ...

    def hand_off(self, hand_off: HandOff) -> Answer:
        """Give all items to the provider. Raises TryLaterError and UnknownError, and nothing else on purpose."""
        ...

    def look_up(self, hand_off: HandOff) -> Answer | None:
        """What the provider knows of a hand-off whose answer never came; None where it cannot say yet.

        Where it never can (calls and texts), the answer has no results: their fate stays unknown. Raises TryLaterError.
        """
        ...


@runtime_checkable
class PollingGateway(Protocol):
    """A gateway whose results come later, and whose tries can be ended."""

    def poll(self, tries: Sequence[OpenAttempt]) -> Sequence[StatusReport]:
        """Reports (with delivery_id and attempt) about those tries of which there is news. Raises TryLaterError."""
        ...

    def hang_up(self, tries: Sequence[OpenAttempt]) -> None:
        """End those that are still live. Raises TryLaterError; what has ended already is no error."""
        ...


def polling_gateway_for(mode: Mode) -> PollingGateway | None:
    """The gateway of a mode, where its results come later."""
    gateway: object = gateway_for(mode)
    return gateway if isinstance(gateway, PollingGateway) else None


def gateway_for(mode: Mode) -> Gateway | None:
    """The gateway of a mode, by the functions that GATEWAYS names; None where none is configured.

    Deliveries of a mode without a gateway wait.
    """
    make = settings.GATEWAYS.get(mode.value)
    gateway: Gateway | None = import_string(make)() if make else None
    return gateway
