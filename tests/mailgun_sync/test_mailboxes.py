"""Addresses that were stored before there was a canonical form get it, while everything runs."""

from importlib import import_module
from inspect import getsource
from io import StringIO

import pytest
from django.core.management import call_command

from mailgun_sync.models import RecipientAddress
from mailgun_sync.services import mailboxes
from mailgun_sync.services.mailboxes import fill_mailboxes

OLD = {
    "Mom@example.org": "",
    "mom@xn--bcher-kva.example": "mom@bücher.example",
    "jose\u0301@example.org": "josé@example.org",
    "Mom <mom@example.org>": "mom@example.org",
    " mom@example.net": "mom@example.net",
    "mom@example.com.": "mom@example.com",
}


@pytest.mark.django_db
@pytest.mark.parametrize("batch", [1, 2, 10_000])
def test_stored_addresses_get_the_canonical_form_that_searches_compare(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "BATCH", batch)
    RecipientAddress.objects.bulk_create(RecipientAddress(address=address) for address in OLD)

    assert fill_mailboxes() == len(OLD) - 1

    assert dict(RecipientAddress.objects.values_list("address", "mailbox")) == OLD
    assert fill_mailboxes() == 0, "a second run changes nothing"


@pytest.mark.django_db
def test_the_command_that_links_events_fills_them_too() -> None:
    RecipientAddress.objects.create(address="mom@xn--bcher-kva.example")
    out = StringIO()

    call_command("link_events", stdout=out)

    assert "1 addresses have their canonical form now" in out.getvalue()
    assert RecipientAddress.objects.get().mailbox == "mom@bücher.example"


def test_the_migration_depends_on_no_code_that_changes_later() -> None:
    source = getsource(import_module("mailgun_sync.migrations.0006_mailboxes"))
    assert "messenger_logs" not in source
    assert "RunPython" not in source
