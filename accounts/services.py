"""Every write of this app."""

from typing import Any

from accounts.models import AuditEvent, User


def record(*, by: User | None, action: str, target: str = "", details: dict[str, Any] | None = None) -> AuditEvent:
    """Append an event to the audit trail, in the transaction of what it records.

    `action` is a kind and a verb ("export.mailgun_message_log", "sync.started"), `by` is None where nobody was signed
    in. Text that PostgreSQL cannot hold (NUL, lone surrogates) is replaced, so that recording never fails on input.
    """
    return AuditEvent.objects.create(
        who_id=by.pk if by else None,
        who=by.listed_name if by else "",
        action=action,
        target=_storable(target),
        details=_storable(details or {}),
    )


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
        case dict():
            return {_storable(key): _storable(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_storable(part) for part in value]
        case None | bool() | int() | float():
            return value
    return _storable(str(value))
