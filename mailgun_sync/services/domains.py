from __future__ import annotations

from django.conf import settings

from mailgun_sync.models import SendingDomain
from mailgun_sync.querysets import SendingDomainQuerySet


def configured_domains() -> SendingDomainQuerySet:
    """Return the domains of MAILGUN_DOMAINS. It makes the row of a new domain."""
    SendingDomain.objects.bulk_create(
        [SendingDomain(name=name) for name in settings.MAILGUN_DOMAINS], ignore_conflicts=True
    )
    return SendingDomain.objects.configured()


def spread(domains: SendingDomainQuerySet) -> list[tuple[int, float]]:
    """Return the ids of these domains, each with the second of a minute at which its work begins.

    The configured domains share the minute evenly, in the order of their names, so that Mailgun, the workers and
    PostgreSQL do not get all at once. A domain keeps its second until MAILGUN_DOMAINS changes.
    """
    places = {name: place for place, name in enumerate(sorted(set(settings.MAILGUN_DOMAINS)))}
    found = domains.values_list("pk", "name").order_by("name")
    return [(pk, 60 * places[name] / len(places)) for pk, name in found]
