"""Why no events come. Each message is in plain words for the office."""

from __future__ import annotations

from datetime import datetime


class ProviderError(Exception):
    """The provider's answer ends the run of this domain. The message says why, in plain words for the office."""


class TransientError(ProviderError):
    """The provider's answer may be better when we ask again."""


class EventsApiGoneError(ProviderError):
    """The address of the Events API does not exist any more, or not for this domain."""


class TooLargePageError(ProviderError):
    """A page has more bytes than we read."""


class TooLargeEventError(ProviderError):
    """A page of one event has more bytes than we read. The event occurred from ``begin`` to ``end``, of one second.

    What came before ``begin`` was read. Reading can go on at ``end``.
    """

    def __init__(self, message: str, begin: datetime, end: datetime) -> None:
        super().__init__(message)
        self.begin, self.end = begin, end
