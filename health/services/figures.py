"""Figures: processes count in memory, and write down what they counted at the end of a task or a request.

So counting costs nothing where many requests are on the way, and holds no lock. What a process that is killed had not
written is missing; the ledger misses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

import structlog
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone

from health.models import Figure

HAND_OVERS, PROVIDER_ERRORS, SIGN_IN_FAILURES = "hand_overs", "provider_errors", "sign_in_failures"
# Hours are kept apart for so long.
KEPT = timedelta(days=8)
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, str, str]

log = structlog.get_logger(__name__)
_lock = Lock()
_counted: Counter[Key] = Counter()

_PUT_TOGETHER = """
WITH several AS (
    SELECT CASE WHEN hour < %(kept)s THEN %(before)s ELSE hour END AS hour, name, part, result, array_agg(id) AS ids
    FROM {table} GROUP BY 1, 2, 3, 4
    HAVING count(*) > 1 OR (min({table}.hour) < %(kept)s AND min({table}.hour) > %(before)s)
), gone AS (
    DELETE FROM {table} WHERE id IN (SELECT unnest(ids) FROM several) RETURNING hour, name, part, result, count
)
INSERT INTO {table} (hour, name, part, result, count)
SELECT CASE WHEN hour < %(kept)s THEN %(before)s ELSE hour END, name, part, result, sum(count)
FROM gone GROUP BY 1, 2, 3, 4
"""


def count(name: str, part: str = "", result: str = "", *, times: int = 1) -> None:
    """Count in memory. It needs no database, and any thread may do it."""
    with _lock:
        _counted[name, part[:60], result[:40]] += times


def forget() -> None:
    """Forget what this process has counted and not written down."""
    with _lock:
        _counted.clear()


def write_down() -> None:
    """Write down what this process has counted. If the database does not answer, the next time does it."""
    if not _counted:
        return
    with _lock:
        counted = dict(_counted)
        _counted.clear()
    hour = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [Figure(hour=hour, name=key[0], part=key[1], result=key[2], count=times) for key, times in counted.items()]
    try:
        Figure.objects.bulk_create(rows)
    except DatabaseError as error:
        log.warning("figures.not_written", error=type(error).__name__)
        with _lock:
            _counted.update(counted)


def put_together(now: datetime) -> None:
    """Make one row of the rows of each figure and hour, and one of all hours that are no longer kept apart."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_TOGETHER.format(table=Figure._meta.db_table), {"kept": now - KEPT, "before": BEFORE})


def totals(name: str) -> dict[tuple[str, str], int]:
    """Return a figure since the beginning, by its part and its result."""
    rows = Figure.objects.filter(name=name).values_list("part", "result").annotate(times=Sum("count"))
    return {(part, result): times for part, result, times in rows}


def by_hour(name: str, *, since: datetime) -> Mapping[tuple[datetime, str], Mapping[str, int]]:
    """Return a figure by hour and part, for the hours from ``since`` on: how often it had each result."""
    rows = Figure.objects.filter(name=name, hour__gte=since).values_list("hour", "part", "result")
    found: dict[tuple[datetime, str], dict[str, int]] = {}
    for hour, part, result, times in rows.annotate(times=Sum("count")):
        found.setdefault((hour, part), {})[result] = times
    return found
