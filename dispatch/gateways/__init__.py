"""The gateways that carry messages to devices, all with one interface: inbox, e-mail, voice and text.

A gateway gets items and answers with a result for each of them. It never changes the row of a delivery. Many hand-offs
are on the way at once, in one event loop, outside of any transaction; they do not touch the database. It never makes a
retry that could hand over an item twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.status_reports import StatusReport
from providers.http import BusyError, TryLaterError, UnknownError

__all__ = [
    "Answer",
    "BusyError",
    "CanceledError",
    "Gateway",
    "HandOff",
    "Item",
    "News",
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
    """One attempt at one device. ``merge_fields`` are the recipient's values, see messenger_logs.merge_fields."""

    delivery_id: int
    attempt: int  # from 1
    address: str
    person_id: str
    name: str
    merge_fields: Mapping[str, str]


class CanceledError(TryLaterError):
    """The request did not begin: its message was canceled, or its time was over. So the provider has nothing of it."""


async def _always() -> bool:
    return True


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class HandOff:
    """Items of one message and mode that go to a provider, in one request if the provider takes them together.

    A look-up has the same key and the same time; its items are those without a known result.
    """

    key: UUID
    message: SentMessage
    mode: Mode
    items: Sequence[Item]
    handed_at: datetime
    runs: Callable[[], Awaitable[bool]] = field(default=_always, compare=False)
    """Whether the message still runs. It may wait for the answer."""
    begun: Callable[[], None] = field(default=_nothing, compare=False)
    """Call it as soon as the first byte of a request is sent: a cancel waits for that, and no longer."""

    async def begin_request(self) -> None:
        """Call it just before the first byte of each request that hands something over, when it is connected.

        Raises CanceledError after a cancel.
        """
        if not await self.runs():
            raise CanceledError("The message was canceled.")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an item. Without a report the provider surely never got it, and we may hand it over again."""

    delivery_id: int
    report: StatusReport | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Results, and the provider's answer as it came. The provider may or may not have an item without a result."""

    results: Sequence[Result]
    raw: str = ""
    strain: str = ""
    """A sentence, when the answer shows that the provider has too much to do; then the mode slows down."""


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that a provider accepted and whose end is not reported yet: its report was In-Progress."""

    delivery_id: int
    attempt: int
    provider_id: str
    mode: Mode


News = StatusReport | TryLaterError | None
"""What a provider says of an open attempt: its report, an error without an answer, or None while nothing is new."""


class Gateway(Protocol):
    """The connection to the provider of one mode."""

    @property
    def batch(self) -> int:
        """The largest number of items in one hand-off."""
        ...

    @property
    def at_once(self) -> int:
        """How many hand-offs of one worker may be on the way. 0: it uses the database, and waits for nothing."""
        ...

    async def hand_off(self, hand_off: HandOff) -> Answer:
        """Hand over all items to the provider.

        It awaits ``hand_off.begin_request`` before each request, and ``hand_off.begun`` when that has begun. Raises
        TryLaterError when the provider took none of them, UnknownError when it may have taken some.
        """
        ...

    def look_up(self, hand_off: HandOff, *, until: float | None = None) -> Answer | None:
        """Ask the provider which items it has of a hand-off whose answer was lost. None: it cannot say yet.

        An answer without results means that the provider can never say (calls and texts). No request begins after
        ``until`` (time.monotonic()). Raises TryLaterError.
        """
        ...


@runtime_checkable
class PollingGateway(Protocol):
    """A gateway whose results come later, and whose attempts can be ended."""

    def poll(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Mapping[OpenAttempt, News]:
        """Return the news of the attempts that the provider was asked about; the others are not in it.

        No request begins after ``until`` (time.monotonic()).
        """
        ...

    def hang_up(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Sequence[OpenAttempt]:
        """End the attempts that are still live. Returns those that are not live any more, as far as it came.

        No request begins after ``until`` (time.monotonic()).
        """
        ...


def polling_gateway_for(mode: Mode) -> PollingGateway | None:
    """Return the gateway of a mode if its results come later, else None."""
    gateway: object = gateway_for(mode)
    return gateway if isinstance(gateway, PollingGateway) else None


def gateway_for(mode: Mode) -> Gateway | None:
    """Return the gateway of a mode, made by the function that the setting GATEWAYS names. None: the mode has none.

    Deliveries of a mode without a gateway wait.
    """
    make = settings.GATEWAYS.get(mode.value)
    gateway: Gateway | None = import_string(make)() if make else None
    return gateway
