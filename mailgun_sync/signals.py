"""What other rooms tell: events that they read, and deliveries that came after their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from mailgun_sync.client import read_page
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.links import link_deliveries
from mailgun_sync.services.remove_events import remove_events_of
from mailgun_sync.services.source_counts import count_call
from messenger_logs.signals import deliveries_stored, people_removed
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


@receiver(deliveries_stored)
def link_earlier_events(*, deliveries: Sequence[int], **kwargs: Any) -> None:
    """Give the events that came before their deliveries to them, in the transaction that stores the deliveries."""
    link_deliveries(deliveries)


@receiver(people_removed)
def remove_from_events(*, deliveries: Sequence[int], **kwargs: Any) -> None:
    """Take the people out of the events of these deliveries. The events go on to count."""
    remove_events_of(deliveries)
