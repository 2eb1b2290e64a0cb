"""Domain health on the System Health page: what Mailgun says of each domain, its bounces and its complaints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.models import User
from accounts.tools import Right, Tool
from core.statuses import Shape, Status, Tone
from listings.registry import registry
from mailgun_sync.models import DomainHealth, SendingDomain
from mailgun_sync.services import control
from mailgun_sync.services.domain_health import MOST_BOUNCES, MOST_COMPLAINTS, Rates, known_health, rates_of
from providers.mailgun_domains import ACTIVE, VALID
from web.views.sync_requests import ask_worker

STATES = {
    ACTIVE: Status(_("Active"), Shape.CHECK, Tone.GOOD, _("Mailgun sends for this domain.")),
    "unverified": Status(
        _("Unverified"), Shape.TRIANGLE, Tone.WARNING, _("Mailgun has not found the DNS records that it asked for.")
    ),
    "disabled": Status(
        _("Disabled"),
        Shape.CROSS,
        Tone.BAD,
        _("Mailgun does not send for this domain. Ask its support for the reason."),
    ),
}
NOT_CHECKED = Status(_("Not checked yet"), Shape.RING, Tone.NEUTRAL, _("Mailgun has not been asked about this domain."))
RECORD_STATES = {
    VALID: Status(_("Valid"), Shape.CHECK, Tone.GOOD),
    "invalid": Status(_("Not valid"), Shape.CROSS, Tone.BAD),
    "unknown": Status(_("Not known"), Shape.RING, Tone.NEUTRAL),
}
QUEUE_AWAY = _("The check could not be started: the task queue does not answer. The next one is made in the night.")


@dataclass(frozen=True)
class Period:
    days: int
    rates: Rates


@dataclass(frozen=True)
class Record:
    """A DNS record, as Mailgun wants it, and whether Mailgun found it."""

    status: Status
    purpose: str
    type: str
    name: str
    value: str


@dataclass(frozen=True)
class ShownHealth:
    """The health of a domain, in words."""

    health: DomainHealth

    @property
    def domain(self) -> SendingDomain:
        return self.health.domain

    @property
    def status(self) -> Status:
        state = self.health.state
        if not state:
            return NOT_CHECKED
        return STATES.get(state) or Status(
            state.capitalize(), Shape.TRIANGLE, Tone.WARNING, gettext("Mailgun's own word.")
        )

    @property
    def periods(self) -> list[Period]:
        return [Period(days, rates) for days, rates in rates_of(self.health).items()]

    @property
    def records(self) -> list[Record]:
        """The records, those that are not valid first."""
        found = [_record(**record) for record in self.health.records]
        return sorted(found, key=lambda record: record.status is RECORD_STATES[VALID])

    @property
    def broken(self) -> int:
        return sum(record.status is not RECORD_STATES[VALID] for record in self.records)


def _record(*, valid: str, **record: str) -> Record:
    return Record(RECORD_STATES.get(valid, RECORD_STATES["unknown"]), **record)


def health_context(user: User) -> dict[str, Any]:
    """Return the context of web/_domain_health.html, with two queries."""
    shown = [ShownHealth(health) for health in known_health()]
    may_group = user.may(Tool.ADMIN_MAILGUN_MESSAGE_LOG)
    return {
        "healths": shown,
        "awaited": any(one.health.is_awaited for one in shown),
        "may_check": user.may(Tool.MAILGUN_SYNC, Right.WRITE),
        "groups_url": registry["admin_mailgun_message_log_groups"].url() if may_group else "",
        "most_bounces": MOST_BOUNCES,
        "most_complaints": MOST_COMPLAINTS,
    }


@require_safe
@tool_right(Tool.MAILGUN_SYNC)
def domain_health(request: SignedInRequest) -> HttpResponse:
    """The part of the page that asks again while a check is awaited."""
    return render(request, "web/_domain_health.html", health_context(request.user))


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def check_domain(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = gettext("Mailgun is being asked about %(domain)s. The answer appears below.")
    return ask_worker(request, pk, control.request_check, asked=asked, queue_away=QUEUE_AWAY)
