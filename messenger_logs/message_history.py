"""The history of a message: who did what with it, from the message and from the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Q

from accounts.models import AuditEvent
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.models import SentMessage

# Only a program makes more than that; the Audit Trail has all of them.
MOST_EVENTS = 200


@dataclass(frozen=True)
class Entry:
    at: datetime
    text: str


@dataclass(frozen=True)
class History:
    entries: list[Entry]
    """In the order of time."""
    cut: bool
    """Whether these are only the latest of more events."""


def history_of(message: SentMessage) -> History:
    """The same number of queries for any number of events. The Audit Trail alone has who looked at the message."""
    shown = Q(action__in=_SENTENCES) | Q(action__startswith="report.") | Q(action__startswith="export.")
    events = AuditEvent.objects.of_message(message.pk).filter(shown).exclude(action="report.downloaded")
    events = events.order_by("-occurred_at", "-pk")
    latest = list(events[: MOST_EVENTS + 1])
    recorded = [Entry(event.occurred_at, _sentence(event)) for event in latest[:MOST_EVENTS]]
    entries = sorted([*_steps(message), *reversed(recorded)], key=lambda entry: entry.at)
    return History(entries, cut=len(latest) > MOST_EVENTS)


def _steps(message: SentMessage) -> Iterator[Entry]:
    """The steps that the message itself records, in their order: two of them may have the same time."""
    elsewhere = f" in another system, as {message.external_id}" if message.external_id else ""
    steps = [
        (message.created_at, f"{message.sender_name} created it{elsewhere}."),
        (message.dispatch_started_at, "Delivery began."),
        (message.cancel_asked_at, f"{message.canceled_by_name} canceled it."),
        (message.cancel_completed_at, _completed(message)),
        (message.dispatch_finished_at, "Delivery was finished."),
    ]
    return (Entry(at, text) for at, text in steps if at)


def _completed(message: SentMessage) -> str:
    """The end of a cancel, with its final figures."""
    return f"The cancel was complete: {cancel_figures(message.pk)}." if message.cancel_completed_at else ""


def _imported(who: str, details: dict[str, Any]) -> str:
    return f"{who} brought it in, with {_count(details, 'recipients', 'recipient')}."


def _added(who: str, details: dict[str, Any]) -> str:
    return f"{who} added {_count(details, 'recipients', 'recipient')}."


def _retried(who: str, details: dict[str, Any]) -> str:
    return f"{who} had it sent again to {_count(details, 'devices', 'device')} that may not have got it."


def _certified(who: str, details: dict[str, Any]) -> str:
    return f"{who} asked for the certificate of its cancel."


_SENTENCES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "import.messages": _imported,
    "import.recipients": _added,
    "message.sent_again": _retried,
    "report.cancel_certificate": _certified,
}


def _sentence(event: AuditEvent) -> str:
    if sentence := _SENTENCES.get(event.action):
        return sentence(event.who, event.details)
    format = str(event.details.get("format", "csv")).upper()
    if event.action.startswith("export."):
        return f"{event.who} exported its recipients ({format})."
    return f"{event.who} asked for a report ({format})."


def _count(details: dict[str, Any], name: str, one: str) -> str:
    number = details.get(name, 0)
    return f"{intcomma(number)} {one}{'' if number == 1 else 's'}"
