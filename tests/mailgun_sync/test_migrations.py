"""A database of the version before goes on with the new code."""

from importlib import import_module

import pytest
from django.apps import apps

from mailgun_sync.models import RecipientAddress


@pytest.mark.django_db
def test_stored_addresses_get_the_canonical_form_that_searches_compare() -> None:
    for address in ("Mom@example.org", "mom@xn--bcher-kva.example", "jose\u0301@example.org", "Mom <mom@example.org>"):
        RecipientAddress.objects.create(address=address)

    import_module("mailgun_sync.migrations.0005_mailboxes").fill(apps, None)

    assert dict(RecipientAddress.objects.values_list("address", "mailbox")) == {
        "Mom@example.org": "",
        "mom@xn--bcher-kva.example": "mom@bücher.example",
        "jose\u0301@example.org": "josé@example.org",
        "Mom <mom@example.org>": "mom@example.org",
    }
