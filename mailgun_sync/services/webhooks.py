"""Mailgun's calls to our webhook: they are believed by their signature, and stored like what a sync reads.

A call never moves the cursor: only a reading that came to its end knows that nothing is missing. So a call that is lost
or refused loses no event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.languages import english
from core.replays import take_once
from mailgun_sync.choices import FORM_ID, Refusal, Source
from mailgun_sync.client import ProviderEvent, event_of
from mailgun_sync.models import SendingDomain, TakenWebhook
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.source_counts import count_call, count_refusal
from providers.mailgun_webhooks import Call, Fields, Signature, domains_of, read_calls, read_form

log = structlog.get_logger(__name__)

# Mailgun repeats a call for 8 hours, with the same signature.
OLDEST = timedelta(hours=8)
# Its last repetition may come a while after that, and the clocks differ.
SLACK = timedelta(minutes=30)
# So long a token is known: longer than its signature is good for.
KNOWN = timedelta(days=2)


class RefusedError(Exception):
    """A call that changed nothing."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(english(reason.label))
        self.reason = reason


def take_json(body: bytes) -> int:
    """Store the events of a JSON webhook. Returns how many there were. Raises RefusedError, which is counted."""
    return _take(Source.WEBHOOK, lambda: read_calls(body.decode("utf-8-sig", errors="replace")))


def take_form(fields: Fields) -> int:
    """Store the event of an old form post, until its exact event comes. Otherwise like take_json."""
    return _take(Source.FORM, lambda: [read_form(fields, id_prefix=FORM_ID)])


def refuse(reason: Refusal) -> RefusedError:
    """Count a refused call, and return the error for it. The log has the reason alone, and nothing of the call."""
    count_refusal(reason)
    log.warning("mailgun_webhook.refused", reason=reason.value)
    return RefusedError(reason)


def _take(source: Source, read: Callable[[], list[Call]]) -> int:
    if not settings.MAILGUN_WEBHOOK_SIGNING_KEYS:
        raise refuse(Refusal.NO_KEY)
    try:
        calls = read()
    except (ValueError, RecursionError):
        raise refuse(Refusal.UNREADABLE) from None
    try:
        tokens = [_checked(call.signature).token for call in calls]
        events = _by_domain(calls)
        _store(source, tokens, events)
    except RefusedError as error:
        raise refuse(error.reason) from None
    return sum(map(len, events.values()))


def _checked(signature: Signature | None) -> Signature:
    """Return a signature that is good and new enough. Raises RefusedError for any other."""
    if signature is None:
        raise RefusedError(Refusal.UNSIGNED)
    if not signature.is_of_one(settings.MAILGUN_WEBHOOK_SIGNING_KEYS):
        raise RefusedError(Refusal.SIGNATURE)
    age = timezone.now() - signature.signed_at
    if not -SLACK <= age <= OLDEST + SLACK:
        raise RefusedError(Refusal.STAMP)
    return signature


def _by_domain(calls: list[Call]) -> dict[int, list[ProviderEvent]]:
    """Return the events of our domains by the id of the domain. Raises RefusedError if there are none."""
    ours = _domains()
    events = defaultdict(list)
    for item in (item for call in calls for item in call.events):
        named = list(domains_of(item.value))
        found = next((ours[name] for name in named if name in ours), None)
        if found is None and not named and len(ours) == 1:
            (found,) = ours.values()
        if found is not None:
            events[found].append(event_of(item))
    if not events:
        raise RefusedError(Refusal.DOMAIN)
    return events


def _domains() -> dict[str, int]:
    found = SendingDomain.objects.configured()
    if len(found) < len(set(settings.MAILGUN_DOMAINS)):
        found = configured_domains()
    return {domain.name.lower(): domain.pk for domain in found}


@transaction.atomic
def _store(source: Source, tokens: list[str], events: dict[int, list[ProviderEvent]]) -> None:
    """Store everything, or nothing if a token came before. Raises RefusedError."""
    if not all(take_once(TakenWebhook, token) for token in sorted(set(tokens))):
        raise RefusedError(Refusal.REPLAYED)
    for domain_id in sorted(events):
        # The oldest first, like the pages of a sync: so that no two wait for each other.
        in_order = sorted(events[domain_id], key=lambda event: event.at.timestamp() if not event.error else 0)
        stored = store_events(domain_id=domain_id, events=in_order)
        count_call(domain_id=domain_id, source=source, stored=stored)
