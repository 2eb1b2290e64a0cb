"""Mark messages as drills: messages that only try who can be reached."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services import record_audit_event
from messenger_logs.models import SentMessage


def mark_drill(message: SentMessage, *, drill: bool, by: User) -> bool:
    """Mark a message as a drill, or as none. Returns False if it was so already. The caller checks the right."""
    with transaction.atomic():
        changed = SentMessage.objects.filter(pk=message.pk).exclude(drill=drill).update(drill=drill)
        if changed:
            action = "message.marked_as_drill" if drill else "message.marked_as_no_drill"
            record_audit_event(by=by, action=action, target=message.recorded_name, details={"message": message.pk})
    return bool(changed)
