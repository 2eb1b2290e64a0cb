"""How a process connects to PostgreSQL: every wait has an end."""

from typing import Any

# If the host of the database is gone, nothing answers; so long the system tries to reach it.
_REACH_SECONDS = 30
_CONNECT_SECONDS = 5


def with_time_limits(database: dict[str, Any], *, statement: float, lock: float, idle: float) -> dict[str, Any]:
    """Return an entry of DATABASES with limits, in seconds; 0 is none. Options that its address names stay.

    `statement` limits each statement, `lock` each wait for a lock, `idle` a transaction in which nothing happens.
    Source: https://www.postgresql.org/docs/current/runtime-config-client.html
    """
    limits = {
        "statement_timeout": statement,
        "lock_timeout": lock,
        "idle_in_transaction_session_timeout": idle,
    }
    named = database.get("OPTIONS", {})
    options = [f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items()]
    return database | {
        "ENGINE": "core.pooled_postgresql",
        "OPTIONS": {
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _REACH_SECONDS * 1000,
            "keepalives_idle": _REACH_SECONDS,
            **named,
            "options": " ".join([*options, named.get("options", "")]).strip(),
        },
    }
