from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import stamina
from pytest_django import Settings

from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.sync import bring_up_to_date, sync_domain
from sandbox.server import Sandbox


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    """Make retries without a delay. Their number stays the same."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def mailgun(sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The stand-in provider, as this installation's Mailgun.

    One slice, since a test in a transaction has one connection.
    """
    settings.MAILGUN_API_BASE = sandbox.url
    settings.MAILGUN_API_KEY = sandbox.api_key
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    settings.MAILGUN_SLICES = 1
    return sandbox


@pytest.fixture
def domain(db: None, mailgun: Sandbox) -> SendingDomain:
    return configured_domains().get()


@pytest.fixture
def sync(domain: SendingDomain) -> Callable[..., SyncRun]:
    """Sync the domain, without its backfill."""
    return lambda **options: sync_domain(domain_id=domain.pk, **options)


@pytest.fixture
def sync_all(domain: SendingDomain) -> Callable[..., list[SyncRun]]:
    """Sync the domain as a schedule does, with its backfill."""
    return lambda **options: bring_up_to_date(domain_id=domain.pk, **options)


def stored_ids() -> list[str]:
    return sorted(MailgunEvent.objects.values_list("event_id", flat=True))
