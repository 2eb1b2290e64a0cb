"""What counts, as conditions in SQL for the statements of several services."""

from __future__ import annotations

from messenger_logs.choices import PHONE, Outcome, sql_list

_PHONE = sql_list(PHONE)


def contacted_sql(row: str) -> str:
    """The condition under which a delivery reached somebody by phone; ``row`` is its alias in the statement."""
    return f"({row}.mode IN ({_PHONE}) AND ({row}.outcome = '{Outcome.SUCCESS}' OR {row}.reached_earlier))"
