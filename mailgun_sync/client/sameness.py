"""Whether two texts are about one event and say the same of it."""

from __future__ import annotations

from typing import Any

from core.strict_json import read_object
from mailgun_sync.client.events import LOGS_TIME, is_log, number_of, seconds_of
from providers.mailgun_pages import read_item

MILLISECOND = 0.001
# What the Logs API says beside the event, and what has its own comparison.
_NOT_COMPARED = frozenset({LOGS_TIME, "timestamp", "account", "domain"})
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_ROUNDED = 1e-5  # the Logs API gives numbers in single precision


def same_event(one: str, other: str, *, sources_differ: bool = False) -> bool:
    """Whether two JSON texts say the same.

    The order of members and the spelling of numbers do not count, nor does a timestamp that came as text.
    ``sources_differ``: they may come from different sources, of which each may leave something out. Then they say the
    same if no member that both have contradicts the other. That holds for texts of the Logs API in any case.
    """
    if one == other:
        return True
    first, second = read_item(one), read_item(other)
    if first.error or second.error:
        return False
    try:
        if sources_differ or _is_log(first.value) or _is_log(second.value):
            return _agree_on_all(first.value, second.value)
        return bool(_with_seconds(first.value) == _with_seconds(second.value))
    except RecursionError:
        return False


def _is_log(value: Any) -> bool:
    return isinstance(value, dict) and is_log(value)


def _with_seconds(value: Any) -> Any:
    if not isinstance(value, dict) or "timestamp" not in value:
        return value
    return value | {"timestamp": number_of(value["timestamp"])}


def _agree_on_all(one: Any, other: Any) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return False
    first, second = seconds_of(one), seconds_of(other)
    if not (isinstance(first, float) and isinstance(second, float)):
        return False
    return abs(first - second) <= MILLISECOND + 1e-6 and _agree(_compared(one), _compared(other))


def _compared(event: dict[str, Any]) -> dict[str, Any]:
    members = {name: value for name, value in event.items() if name not in _NOT_COMPARED}
    variables = members.get("user-variables")
    if isinstance(variables, str) and (read := read_object(variables)) is not None:
        members["user-variables"] = read
    return members


def _agree(one: Any, other: Any) -> bool:
    """Whether no member that both have contradicts the other. What is empty says nothing."""
    if one == other or one in _NOTHING or other in _NOTHING:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_agree(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) != isinstance(other, list):
        some, alone = (one, other) if isinstance(one, list) else (other, one)
        return any(_agree(value, alone) for value in some)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    first, second = number_of(one), number_of(other)
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= _ROUNDED * max(1.0, abs(first))
    return False
