"""Take each request of a provider once. Providers repeat a request whose answer was lost, and others may replay it."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

FOREVER = timedelta(days=36_500)


class TakenRequest(models.Model):
    """A request of a provider that was taken. Each app that takes such requests has its own table."""

    digest = models.CharField(primary_key=True, max_length=64, help_text="of what it is about; in hexadecimal")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.digest[:12]


def take_once(table: type[TakenRequest], *identity: object, within: timedelta = FOREVER) -> bool:
    """Remember in a table what a request is about, within the transaction of its effect.

    Returns False if the same came before, not longer ago than ``within``. It keeps a digest with the site's secret:
    numbers are few, and a plain digest would tell them. What waits for another transaction with the same digest goes on
    when that one has ended.
    """
    digest = salted_hmac(f"{table._meta.app_label}.webhook", repr(identity), algorithm="sha256").hexdigest()
    remember = (
        f"INSERT INTO {table._meta.db_table} AS known (digest, received_at) VALUES (%s, now()) "  # noqa: S608
        "ON CONFLICT (digest) DO UPDATE SET received_at = now() WHERE known.received_at < %s RETURNING digest"
    )
    with connection.cursor() as cursor:
        cursor.execute(remember, [digest, timezone.now() - within])
        return cursor.fetchone() is not None
