"""Checks the health of a domain: asks Mailgun about it, and counts its bounces and complaints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from mailgun_sync.choices import EventKind
from mailgun_sync.models import DomainHealth, MailgunEvent, SendingDomain
from mailgun_sync.services.domains import configured_domains
from providers.mailgun_domains import DomainUnknown, fetch_domain

PERIODS = (7, 30)
"""Days."""
MOST_COMPLAINTS = 0.001
"""Of the delivered e-mails. Source: user-manual/reporting/metric-definitions of Mailgun's documentation."""
MOST_BOUNCES = 0.05
"""Of the e-mails that a mail server took or refused for good. Our own choice: above it a person should look.
Mailgun disables domains with a high rate, but its documentation (api-reference/lower-bounce-rate) names no number."""


@dataclass(frozen=True)
class Rates:
    """How many of the e-mails of some days bounced, and how many were complained about."""

    delivered: int
    bounced: int
    suppressed: int
    complained: int

    @classmethod
    def of(cls, kinds: dict[str, int]) -> Rates:
        named = (
            *(EventKind.DELIVERED, EventKind.FAILED_PERMANENTLY),
            *(EventKind.SUPPRESSED, EventKind.COMPLAINED),
        )
        return cls(*(kinds.get(kind.value, 0) for kind in named))

    @property
    def bounce_rate(self) -> float | None:
        """From 0 to 1; None without e-mails. What Mailgun did not try because of earlier bounces does not count."""
        tried = self.delivered + self.bounced
        return self.bounced / tried if tried else None

    @property
    def complaint_rate(self) -> float | None:
        """From 0 to 1 of the delivered e-mails; None without any. Google reports no complaints."""
        return min(1.0, self.complained / self.delivered) if self.delivered else None

    @property
    def too_many_bounces(self) -> bool:
        return (self.bounce_rate or 0) > MOST_BOUNCES

    @property
    def too_many_complaints(self) -> bool:
        return (self.complaint_rate or 0) > MOST_COMPLAINTS


def check_domain(*, domain_id: int) -> None:
    """Ask Mailgun about a domain, count its events, and keep both. It is safe to repeat."""
    domain = SendingDomain.objects.get(pk=domain_id)
    now = timezone.now()
    found: dict[str, Any]
    try:
        info = fetch_domain(domain.name)
    except DomainUnknown as error:
        found = {"error": str(error)}
    else:
        records = [asdict(record) for record in info.records]
        found = {"error": "", "checked_at": now, "state": info.state[:64], "records": records}
    counts = {str(days): count_kinds(domain, days=days) for days in PERIODS}
    kept = {**found, "tried_at": now, "counted_at": now, "counts": counts}
    DomainHealth.objects.update_or_create(domain=domain, defaults=kept)


def known_health() -> list[DomainHealth]:
    """Return the health of each domain that is set up; an empty one where it was not checked yet. Two queries."""
    domains = list(configured_domains())
    known = DomainHealth.objects.select_related("domain").in_bulk([domain.pk for domain in domains])
    return [known.get(domain.pk) or DomainHealth(domain=domain) for domain in domains]


def rates_of(health: DomainHealth) -> dict[int, Rates]:
    """Return the rates by the days that they are of."""
    return {days: Rates.of(health.counts.get(str(days), {})) for days in PERIODS}


def count_kinds(domain: SendingDomain, *, days: int) -> dict[str, int]:
    """Count the events of the last so many times 24 hours by kind."""
    kinds = Q(kind__in=EventKind.values)
    since = timezone.now() - timedelta(days=days)
    events = MailgunEvent.objects.filter(kinds, domain=domain, occurred_at__gte=since)
    return dict(events.order_by().values_list("kind").annotate(Count("pk")))
