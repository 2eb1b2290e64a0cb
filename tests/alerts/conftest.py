from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import AlertChannel
from alerts.services.looking import look
from core.troubles import Trouble
from tests.alerts.stand_ins import MailServer, Webhook


@pytest.fixture
def webhook(settings) -> Iterator[Webhook]:
    settings.ALERT_PRIVATE_WEBHOOKS, settings.ALERT_SEND_SECONDS = True, 1
    hook = Webhook()
    yield hook
    hook.stop()


@pytest.fixture
def mail_server(settings) -> Iterator[MailServer]:
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
    settings.EMAIL_TIMEOUT = 1
    yield server
    server.stop()


def make_channel(**fields: Any) -> AlertChannel:
    """A channel of e-mail; with `url`, a webhook."""
    url = fields.pop("url", "")
    usual = {"kind": "webhook", "format": "json"} if url else {"kind": "email", "emails": ["it@district.example"]}
    channel = AlertChannel(**{"name": f"Channel {AlertChannel.objects.count()}"} | usual | fields)
    if url:
        channel.url = url
    channel.save()
    return channel


def trouble(key: str = "sync.failed.x", **fields: Any) -> Trouble:
    usual = {"part": "Sync of x", "words": "The last 2 syncs failed.", "to_do": "Look at the key."}
    return Trouble(key=key, **usual | fields)


class Clock:
    """Looks at troubles, half a minute after half a minute."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def look(self, *troubles: Trouble, after: timedelta = timedelta(seconds=30)) -> datetime:
        self.now += after
        assert look(now=self.now, troubles=lambda now: troubles)
        return self.now


@pytest.fixture
def clock(db: None) -> Clock:
    return Clock()
