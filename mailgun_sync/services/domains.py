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
