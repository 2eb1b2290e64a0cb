"""Counts that a page shows for a minute: what takes longest to count changes least."""

from __future__ import annotations

from django.core.cache import cache
from django.utils.crypto import salted_hmac

from listings.paging import Rows

KEPT_SECONDS = 60


def kept_count(rows: Rows, *, most: int) -> int:
    """Count rows, up to `most`. For a minute, the same question has the same answer.

    The question is the whole query with its values, so it is another one for a person who may see other rows. It may
    hold a search for a person; the cache gets only a hash of it.
    """
    asked = rows.order_by()[:most]
    sql, values = asked.values("pk").query.sql_with_params()
    question = salted_hmac("listings.kept_counts", f"{sql} {values!r}", algorithm="sha256").hexdigest()
    counted = cache.get_or_set(f"listings:count:{question}", asked.count, KEPT_SECONDS)
    return asked.count() if counted is None else int(counted)
