"""Take each request of a provider once. Providers repeat a request whose answer was lost, and others may replay it."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from dispatch.models import ReceivedWebhook

# What waits for another transaction with the same digest goes on when that one has ended.
_REMEMBER = f"""
INSERT INTO {ReceivedWebhook._meta.db_table} AS known (digest, received_at) VALUES (%(digest)s, now())
ON CONFLICT (digest) DO UPDATE SET received_at = now() WHERE known.received_at < %(since)s
RETURNING digest
"""  # noqa: S608  (table names only)

FOREVER = timedelta(days=36_500)


def take_once(*identity: object, within: timedelta = FOREVER) -> bool:
    """Remember what a request is about, within the transaction of its effect.

    Returns False if the same came before, not longer ago than ``within``. It keeps a digest with the site's secret:
    numbers are few, and a plain digest would tell them.
    """
    digest = salted_hmac("dispatch.webhook", repr(identity), algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, {"digest": digest, "since": timezone.now() - within})
        return cursor.fetchone() is not None
