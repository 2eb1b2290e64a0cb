"""The part of System Health about sending: the state of each delivery mode."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tools import Tool
from core.statuses import Shape, Status, Tone
from dispatch.choices import ModeState
from dispatch.services.retry import DOUBT_DAYS
from dispatch.status import COUNTED_TO, ModeStatus
from listings.columns import Column, ListingTable, NumberColumn, StatusColumn, time_element

STATES = {
    ModeState.WORKS: Status(_("Ready"), Shape.CHECK, Tone.GOOD, _("What is due goes out.")),
    ModeState.SLOWED: Status(
        _("Slowed down"), Shape.TRIANGLE, Tone.WARNING, _("What is due goes out, with fewer requests at a time.")
    ),
    ModeState.NIGHT: Status(
        _("Outside the hours"), Shape.HALF, Tone.NEUTRAL, _("Nobody is called now, but in an emergency.")
    ),
    ModeState.PAUSED: Status(
        _("Paused"), Shape.TRIANGLE, Tone.WARNING, _("Nothing goes out for a while; then it is tried again.")
    ),
    ModeState.HANGS: Status(_("Hangs"), Shape.TRIANGLE, Tone.BAD, _("Something that is due does not go on.")),
    ModeState.MISSING: Status(
        _("Not set up"), Shape.CROSS, Tone.BAD, _("What is due waits until the settings name a provider.")
    ),
}


# The figures of the whole district: with the tool for some schools, the states alone are shown.
COUNTS = ("due", "redials", "claims", "calls", "in_doubt")


class CountColumn(NumberColumn):
    """A count that is exact up to COUNTED_TO."""

    def render(self, value: int) -> str:
        return f"{COUNTED_TO:,}+" if value > COUNTED_TO else super().render(value)


class ModeTable(ListingTable):
    mode = Column(verbose_name=_("Delivery Mode"))
    state = StatusColumn(STATES, verbose_name=_("State"))
    a_minute = Column(verbose_name=_("Pace"))
    due = CountColumn(verbose_name=_("Due"))
    redials = CountColumn(verbose_name=_("To be tried again"))
    claims = NumberColumn(verbose_name=_("Being handed over"))
    calls = CountColumn(verbose_name=_("Open calls"))
    in_doubt = CountColumn(verbose_name=_("In doubt"))

    def render_mode(self, record: ModeStatus) -> str:
        return str(record.mode.label)

    def render_state(self, record: ModeStatus, column: StatusColumn) -> SafeString:
        reason = format_html('<p class="reason">{}</p>', record.reason) if record.reason else ""
        return format_html("{}{}", column.render(record), reason)

    def render_a_minute(self, value: int) -> str:
        return gettext("%(number)s a minute") % {"number": f"{value:,}"} if value else gettext("no limit")

    def render_claims(self, record: ModeStatus) -> SafeString:
        since: datetime | None = record.oldest_claim
        words = format_html(gettext("the oldest since {time}"), time=time_element(since)) if since else ""
        oldest = format_html('<p class="reason">{}</p>', words) if since else ""
        return format_html("{}{}", f"{record.claims:,}", oldest)


def dispatch_context(user: User, statuses: list[ModeStatus]) -> dict[str, Any]:
    """Return the context of web/_dispatch_state.html: how our own messages go out. It names no person."""
    left_out = () if user.scope_of(Tool.MAILGUN_SYNC).everything else COUNTS
    return {"modes": ModeTable(statuses, exclude=left_out), "doubt_days": DOUBT_DAYS}
