"""The criteria by which the 2.0 engine chose the recipients of a message, as its page lists them."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma

from messenger_logs.models import SentMessage
from messenger_logs.totals import Totals

Pairs = list[tuple[str, str]]

RECIPIENTS, LANGUAGE = "Recipients", "Preferred Language"
SCHOOL_YEAR, ACTIVE_ONLY = "School Year", "Active Students Only"
RECIPIENT_COUNT, WITHOUT_DEVICE = "Total Recipient Count", "Recipients with No Device"
NOT_RECORDED = "not recorded"


def general_criteria(message: SentMessage, totals: Totals) -> Pairs:
    """The criteria that every tool of Messenger has."""
    chosen = _chosen(message)
    return [
        ("District", settings.DISTRICT_NAME),
        ("Calendar", message.display_calendars or "none"),
        ("Message Type", message.message_type),
        ("Delivery Mode", message.display_modes),
        ("Recipients", chosen.get(RECIPIENTS, NOT_RECORDED)),
        (RECIPIENT_COUNT, intcomma(totals.recipients)),
        (WITHOUT_DEVICE, intcomma(totals.no_device)),
        ("Preferred Language", chosen.get(LANGUAGE, "any")),
    ]


def tool_criteria(message: SentMessage) -> Pairs:
    """The criteria of the tool that made the message: two that every page shows, then all others that it names."""
    chosen = _chosen(message)
    years = dict.fromkeys(calendar.school_year for calendar in message.calendars.all())
    return [
        (SCHOOL_YEAR, chosen.get(SCHOOL_YEAR) or ", ".join(years) or NOT_RECORDED),
        (ACTIVE_ONLY, chosen.get(ACTIVE_ONLY, NOT_RECORDED)),
        *_others(message),
    ]


def _chosen(message: SentMessage) -> dict[str, str]:
    return {label: str(value) for label, value in message.criteria}


def _others(message: SentMessage) -> Iterator[tuple[str, str]]:
    known = {RECIPIENTS, LANGUAGE, SCHOOL_YEAR, ACTIVE_ONLY}
    return ((label, str(value)) for label, value in message.criteria if label not in known)
