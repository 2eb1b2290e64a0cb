"""The history of a message: who did what with it, from the message and from the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AuditEvent
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.models import SentMessage

# Only a program makes more than that; the Audit Trail has all of them.
MOST_EVENTS = 200
# What people did with the file of a report that somebody had asked for.
_OF_FILES = ["report.canceled", "report.downloaded", "report.removed"]


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
    events = AuditEvent.objects.of_message(message.pk).filter(shown).exclude(action__in=_OF_FILES)
    events = events.order_by("-occurred_at", "-pk")
    latest = list(events[: MOST_EVENTS + 1])
    recorded = [Entry(event.occurred_at, _sentence(event)) for event in latest[:MOST_EVENTS]]
    entries = sorted([*_steps(message), *reversed(recorded)], key=lambda entry: entry.at)
    return History(entries, cut=len(latest) > MOST_EVENTS)


def _steps(message: SentMessage) -> Iterator[Entry]:
    """The steps that the message itself records, in their order: two of them may have the same time."""
    steps = [
        (message.created_at, _created(message)),
        (message.dispatch_started_at, _("Delivery began.")),
        (message.cancel_asked_at, _("%(who)s canceled it.") % {"who": message.canceled_by_name}),
        (message.cancel_completed_at, _completed(message)),
        (message.dispatch_finished_at, _("Delivery was finished.")),
    ]
    return (Entry(at, text) for at, text in steps if at)


def _created(message: SentMessage) -> str:
    if not message.external_id:
        return _("%(who)s created it.") % {"who": message.sender_name}
    facts = {"who": message.sender_name, "id": message.external_id}
    return _("%(who)s created it in another system, as %(id)s.") % facts


def _completed(message: SentMessage) -> str:
    """The end of a cancel, with its final figures."""
    if not message.cancel_completed_at:
        return ""
    return _("The cancel was complete: %(figures)s.") % {"figures": cancel_figures(message.pk)}


def _imported(who: str, details: dict[str, Any]) -> str:
    number = details.get("recipients", 0)
    sentence = ngettext(
        "%(who)s brought it in, with %(count)s recipient.", "%(who)s brought it in, with %(count)s recipients.", number
    )
    return sentence % {"who": who, "count": intcomma(number)}


def _added(who: str, details: dict[str, Any]) -> str:
    number = details.get("recipients", 0)
    sentence = ngettext("%(who)s added %(count)s recipient.", "%(who)s added %(count)s recipients.", number)
    return sentence % {"who": who, "count": intcomma(number)}


def _retried(who: str, details: dict[str, Any]) -> str:
    number = details.get("devices", 0)
    sentence = ngettext(
        "%(who)s had it sent again to %(count)s device that may not have got it.",
        "%(who)s had it sent again to %(count)s devices that may not have got it.",
        number,
    )
    return sentence % {"who": who, "count": intcomma(number)}


def _certified(who: str, details: dict[str, Any]) -> str:
    return _("%(who)s asked for the certificate of its cancel.") % {"who": who}


_SENTENCES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "import.messages": _imported,
    "import.recipients": _added,
    "message.sent_again": _retried,
    "report.cancel_certificate": _certified,
}


def _sentence(event: AuditEvent) -> str:
    if sentence := _SENTENCES.get(event.action):
        return sentence(event.who, event.details)
    facts = {"who": event.who, "format": str(event.details.get("format", "csv")).upper()}
    if event.action.startswith("export."):
        return _("%(who)s exported its recipients (%(format)s).") % facts
    return _("%(who)s asked for a report (%(format)s).") % facts
