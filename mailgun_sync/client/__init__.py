"""Mailgun's events from outside: what an event is, and the two APIs that give pages of them.

Sources: https://documentation.mailgun.com/docs/mailgun/user-manual/events/events and
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/logs/post-v1-analytics-logs . Other facts of
Mailgun are in providers/mailgun.py.
"""

from __future__ import annotations

from mailgun_sync.client.errors import (
    EventsApiGoneError,
    ProviderError,
    TooLargeEventError,
    TooLargePageError,
    TransientError,
)
from mailgun_sync.client.events import ProviderEvent, event_of, read_page, reread
from mailgun_sync.client.events_api import EventsApi
from mailgun_sync.client.logs_api import LogsApi
from mailgun_sync.client.sameness import same_event
from mailgun_sync.client.source import EventSource

__all__ = [
    "EventSource",
    "EventsApi",
    "EventsApiGoneError",
    "LogsApi",
    "ProviderError",
    "ProviderEvent",
    "TooLargeEventError",
    "TooLargePageError",
    "TransientError",
    "event_of",
    "read_page",
    "reread",
    "same_event",
]
