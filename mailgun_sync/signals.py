"""Events that others read are events too: the provider may not give them a second time."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from mailgun_sync.client import read_page
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.source_counts import count_call
from providers.mailgun import events_read


@receiver(events_read)
def store_page(*, domain: str, body: str, **kwargs: Any) -> None:
    """Store the events of a page that the dispatcher read when it looked up a hand-over."""
    sending = SendingDomain.objects.filter(name=domain).first()
    events, _ = read_page(body)
    if sending and events:
        with page_transaction():
            stored = store_events(domain_id=sending.pk, events=events)
            count_call(domain_id=sending.pk, source=events[0].wording, stored=stored)
