"""A message of four families that is going out: one e-mail has left, one is claimed, two wait, one number opted out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

LOG, ADMIN, UPCOMING = Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.UPCOMING_MESSAGES

Make = Callable[..., SentMessage]


def may_cancel(*tools: Tool) -> list[tuple[Tool, Right]]:
    return [(tool, right) for tool in tools for right in (Right.READ, Right.WRITE)]


@pytest.fixture
def sender(make_user: Callable[..., User]) -> User:
    return make_user(*may_cancel(LOG), username="sender", first_name="Mai", last_name="Vang")


@pytest.fixture
def under_way(sender: User) -> Make:
    """Make such a message; of the sender, in progress, and of the classic engine, where nothing else is said."""

    def make(**fields: Any) -> SentMessage:
        given = {"sender": sender, "status": "in_progress", "subject": "Snow day", "modes": [Mode.EMAIL, Mode.TEXT]}
        usual = {"created_at": timezone.now() - timedelta(minutes=5), "dispatched_here": True}
        message = make_message(**(given | usual | fields))
        begun = message.status != "waiting"
        statuses = ["sent" if begun else "waiting", "in_progress" if begun else "waiting", "waiting", "waiting"]
        recipients = [make_recipient(message) for _ in statuses]
        for recipient, status in zip(recipients, statuses, strict=True):
            make_delivery(recipient, status=status)
        make_delivery(recipients[0], mode=Mode.TEXT, status="opt_out")
        recount(message_id=message.pk)
        return message

    return make


def devices(message: SentMessage) -> dict[str, int]:
    """How many e-mails have which status."""
    statuses = message.deliveries.filter(mode=Mode.EMAIL, duplicate=False).values_list("status", flat=True)
    found = list(statuses)
    return {status: found.count(status) for status in sorted(set(found))}
