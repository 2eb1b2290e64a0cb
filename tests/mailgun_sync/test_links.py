"""The links of events to deliveries can be derived again at any time, and are after a migration."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations import Migration
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from mailgun_sync.apps import link_again
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services import links
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.links import link_events
from messenger_logs.models import Delivery
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

LINKED = ("sender_id", "person_id", "sent_message_id", "delivery_id")


def make_linked(count: int = 3) -> list[MailgunEvent]:
    """Store events of mails that we sent, in the forms in which user variables come; and one of a stranger's mail."""
    domain = SendingDomain.objects.get_or_create(name="mg.harrison.example")[0]
    message = make_message()
    for number in range(count):
        delivery = make_delivery(make_recipient(message, person_id=f"p{number}"), address=f"mai{number}@example.com")
        variables: Any = {"message": str(message.pk), "delivery": str(delivery.pk), "note": "a\0b"}
        event = {
            "event": "delivered",
            "id": f"{message.pk}-{number}",
            "timestamp": 1_700_000_000 + number,
            "recipient": delivery.address,
            "user-variables": json.dumps(variables) if number % 2 else variables,
        }
        store_events(domain_id=domain.pk, events=[reread(json.dumps(event))])
    recount(message_id=message.pk)
    stranger = {"event": "delivered", "id": "x", "timestamp": 1.0, "delivery-status": {}, "recipient": "x@example.com"}
    store_events(domain_id=domain.pk, events=[reread(json.dumps(stranger))])
    return list(MailgunEvent.objects.order_by("pk"))


def unlink() -> None:
    MailgunEvent.objects.update(delivery=None, sent_message=None, person_id="", sender=None)
    Delivery.objects.update(email_outcome="", email_reason="")


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_lost_links_and_outcomes_are_derived_again_in_batches(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "BATCH", batch)
    make_linked()
    before = list(MailgunEvent.objects.order_by("pk").values(*LINKED))
    assert [row["delivery_id"] is not None for row in before] == [True, True, True, False]
    unlink()

    assert link_events() == 3

    assert list(MailgunEvent.objects.order_by("pk").values(*LINKED)) == before
    assert set(Delivery.objects.values_list("email_outcome", flat=True)) == {"delivered"}
    assert link_events() == 0, "a second run changes nothing"


@pytest.mark.django_db
def test_links_that_agree_with_no_record_stay_away() -> None:
    make_linked()
    unlink()
    Delivery.objects.update(address=Concat(Value("somebody.else."), F("address")))

    assert link_events() == 0


@pytest.mark.django_db
def test_the_command_says_how_many_it_linked() -> None:
    make_linked()
    unlink()
    out = StringIO()

    call_command("link_events", stdout=out)

    assert "3 events linked" in out.getvalue()


@pytest.mark.slow
@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_the_events() -> None:
    asked = []
    for count in (1, 20):
        make_linked(count)
        unlink()
        with CaptureQueriesContext(connection) as queries:
            link_events()
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.django_db
def test_an_address_from_before_the_canonical_form_agrees_with_its_event() -> None:
    old = "mom@xn--bcher-kva.example"
    delivery = make_delivery(make_recipient(make_message()), address=old)
    domain = SendingDomain.objects.create(name="mg.harrison.example")
    variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
    common = {"event": "delivered", "recipient": old, "user-variables": variables}

    for number, stored in enumerate([old, "mom@bücher.example"]):
        Delivery.objects.update(address=stored)
        event = json.dumps(common | {"id": str(number), "timestamp": 1_700_000_000.5})
        store_events(domain_id=domain.pk, events=[reread(event)])

    assert set(MailgunEvent.objects.values_list("delivery", flat=True)) == {delivery.pk}


@pytest.fixture
def lock_on_an_event(django_db_blocker: Any) -> Iterator[Callable[[], None]]:
    """A transaction of somebody else that holds an event without a link. Returns what ends it."""
    make_linked()
    unlink()
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor, connection.cursor() as ours:
        cursor.execute(f"SELECT 1 FROM {MailgunEvent._meta.db_table} FOR UPDATE")
        ours.execute("SET lock_timeout TO '100ms'")
    yield other.rollback
    other.close()
    connection.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_batch_that_meets_a_lock_is_tried_again(
    lock_on_an_event: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[str] = []

    def link_and_end_the_lock(events: QuerySet[MailgunEvent]) -> int:
        try:
            linked = link(events)
        except OperationalError:
            outcomes.append("lock")
            lock_on_an_event()
            raise
        outcomes.append("linked")
        return linked

    link = links._link
    monkeypatch.setattr(links, "_link", link_and_end_the_lock)

    assert link_events() == 3
    assert outcomes == ["lock", "linked"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_migration_stands_where_the_links_must_wait_and_says_how_to_make_them(
    lock_on_an_event: Callable[[], None],
) -> None:
    out = StringIO()
    migration = Migration("0006_mailboxes", "mailgun_sync")

    link_again(plan=[(migration, False)], stdout=out)

    assert "The database is busy" in out.getvalue()
    assert "Run manage.py link_events" in out.getvalue()
    lock_on_an_event()
    assert link_events() == 3


@pytest.fixture
def other_database(django_db_blocker: Any, django_db_setup: None) -> Iterator[str]:
    """The address of another database: empty, or migrated already where several processes test."""
    template = settings.DATABASES["default"]["TEST"].get("TEMPLATE") or "template1"
    name = f"{connection.settings_dict['NAME']}_migrated"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
        cursor.execute(f"DROP DATABASE {name}")


SCRIPT = """
import django
django.setup()
from django.core.management import call_command
def migrate(*target):
    call_command("migrate", *target, verbosity=0)
"""


def run(database: str, script: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT + script],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert process.returncode == 0, process.stderr[-3000:]


@pytest.mark.thorough
@pytest.mark.slow
def test_migrations_go_back_to_nothing_and_forward_again_and_the_links_stay(other_database: str) -> None:
    run(
        other_database,
        """
from tests.mailgun_sync.test_links import LINKED, make_linked
from mailgun_sync.models import MailgunEvent, RecipientAddress
from messenger_logs.models import Delivery
migrate()
make_linked()
before = list(MailgunEvent.objects.order_by("pk").values(*LINKED))
assert any(row["delivery_id"] for row in before)
addresses = list(RecipientAddress.objects.order_by("address").values("address", "last_event_on"))
Delivery.objects.update(email_outcome="")
for target in ["0004", "0003", "0002", "0001"]:
    migrate("mailgun_sync", target)
migrate()
assert list(MailgunEvent.objects.order_by("pk").values(*LINKED)) == before
assert set(Delivery.objects.values_list("email_outcome", flat=True)) == {"delivered"}
assert list(RecipientAddress.objects.order_by("address").values("address", "last_event_on")) == addresses
from pathlib import Path
from django.apps import apps
from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder
from django.db import connection
ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}
for app in ours:
    if apps.get_app_config(app).models_module and (settings.BASE_DIR / app / "migrations").exists():
        migrate(app, "zero")
assert not ours & {app for app, _ in MigrationRecorder(connection).applied_migrations()}
migrate()
""",
    )
