from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from dispatch.choices import ClaimState
from dispatch.models import Claim


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete claims that were settled more than CLAIM_RETENTION_DAYS ago, with their raw answers. Returns how many.

    The results of the deliveries stay in the ledger. It deletes in batches, so that no lock lasts long.
    """
    limit = (now or timezone.now()) - timedelta(days=settings.CLAIM_RETENTION_DAYS)
    expired = Claim.objects.filter(state=ClaimState.SETTLED, settled_at__lt=limit).values_list("pk", flat=True)
    total = 0
    while some := list(expired[:batch]):
        total += Claim.objects.filter(pk__in=some).delete()[0]
    return total
