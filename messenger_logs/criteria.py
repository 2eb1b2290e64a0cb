"""The criteria by which the 2.0 engine chose the recipients of a message, as its page lists them."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from messenger_logs.models import SentMessage
from messenger_logs.totals import Totals

Pairs = list[tuple[str, str]]

# The names of criteria as messages keep them. A page translates those that are known here.
RECIPIENTS, LANGUAGE = gettext_noop("Recipients"), gettext_noop("Preferred Language")
SCHOOL_YEAR, ACTIVE_ONLY = gettext_noop("School Year"), gettext_noop("Active Students Only")
RECIPIENT_COUNT, WITHOUT_DEVICE = gettext_noop("Total Recipient Count"), gettext_noop("Recipients with No Device")


def general_criteria(message: SentMessage, totals: Totals) -> Pairs:
    """The criteria that every tool of Messenger has."""
    chosen = _chosen(message)
    return [
        (_("District"), settings.DISTRICT_NAME),
        (_("Calendar"), message.display_calendars or pgettext("calendar", "none")),
        (_("Message Type"), message.message_type),
        (_("Delivery Mode"), message.display_modes),
        (_(RECIPIENTS), chosen.get(RECIPIENTS, _("not recorded"))),
        (_(RECIPIENT_COUNT), intcomma(totals.recipients)),
        (_(WITHOUT_DEVICE), intcomma(totals.no_device)),
        (_(LANGUAGE), chosen.get(LANGUAGE, pgettext("language", "any"))),
    ]


def tool_criteria(message: SentMessage) -> Pairs:
    """The criteria of the tool that made the message: two that every page shows, then all others that it names."""
    chosen = _chosen(message)
    years = dict.fromkeys(calendar.school_year for calendar in message.calendars.all())
    return [
        (_(SCHOOL_YEAR), chosen.get(SCHOOL_YEAR) or ", ".join(years) or _("not recorded")),
        (_(ACTIVE_ONLY), chosen.get(ACTIVE_ONLY, _("not recorded"))),
        *_others(message),
    ]


def _chosen(message: SentMessage) -> dict[str, str]:
    return {label: str(value) for label, value in message.criteria}


def _others(message: SentMessage) -> Iterator[tuple[str, str]]:
    known = {RECIPIENTS, LANGUAGE, SCHOOL_YEAR, ACTIVE_ONLY}
    return ((label, str(value)) for label, value in message.criteria if label not in known)
