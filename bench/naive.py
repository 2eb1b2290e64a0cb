"""The usual way to store a page of events: a model instance for each, and bulk_create."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from mailgun_sync.models import MailgunEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def store_page(text: str, *, domain_id: int, senders: dict[str, int]) -> None:
    """Store a page. `senders` has the ids of users by username."""
    events = json.loads(text, parse_float=Decimal)["items"]
    MailgunEvent.objects.bulk_create([_instance(event, domain_id, senders) for event in events], ignore_conflicts=True)


def _instance(event: dict[str, Any], domain_id: int, senders: dict[str, int]) -> MailgunEvent:
    headers = event.get("message", {}).get("headers", {})
    status = event.get("delivery-status") or {}
    variables = event.get("user-variables") or {}
    sender = senders.get(variables.get("sender", ""))
    detail = ""
    if event["event"] not in ("accepted", "delivered"):
        detail = status.get("message") or status.get("description") or event.get("reason") or ""
    return MailgunEvent(
        domain_id=domain_id,
        event=event["event"][:64],
        event_id=event["id"],
        occurred_at=EPOCH + timedelta(microseconds=int(event["timestamp"] * 1_000_000)),
        recipient=(event.get("recipient") or headers.get("to", ""))[:512],
        subject=headers.get("subject", "")[:1000],
        message_id=headers.get("message-id", "")[:512],
        severity=event.get("severity", "")[:32],
        reason=event.get("reason", "")[:128],
        code=str(status.get("code", ""))[:32],
        detail=detail[:2000],
        sender_id=sender,
        person_id=str(variables.get("person_id", ""))[:64] if sender else "",
        raw=json.dumps(event, default=float),
    )
