from __future__ import annotations

from django.conf import settings

from mailgun_sync.models import SendingDomain
from mailgun_sync.querysets import SendingDomainQuerySet


def configured_domains() -> SendingDomainQuerySet:
    """The domains of MAILGUN_DOMAINS, each with its row."""
    SendingDomain.objects.bulk_create(
        [SendingDomain(name=name) for name in settings.MAILGUN_DOMAINS], ignore_conflicts=True
    )
    return SendingDomain.objects.configured()
