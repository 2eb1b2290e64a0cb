"""The one register of listings: a listing that is opened by its name gives what its page shows, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import resolve

from accounts.models import User
from accounts.tools import Tool, every_right
from listings.registry import Entry, Registry, UnknownListing, registry
from reports.report import report_kind
from tests.messenger_logs.factories import make_message
from web.menu import page_url

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
each_entry = pytest.mark.parametrize("entry", [*registry], ids=[entry.name for entry in registry])
WITH_PAGE = [entry for entry in registry if entry.path]


def arguments_of(entry: Entry) -> dict[str, Any]:
    """Of a list below a message, or of a person: one that is not there."""
    if entry.stands_alone or not entry.path:
        return {}
    return {"person": "4711"} if ":person>" in entry.path else {"pk": 4711}


@each_entry
def test_without_the_right_a_listing_cannot_even_be_opened(make_user: MakeUser, entry: Entry) -> None:
    user = make_user(*(cell for cell in every_right() if cell.tool is not entry.tool))
    with pytest.raises(PermissionDenied):
        entry.open(user, {}, arguments_of(entry))


@each_entry
def test_a_stored_report_of_a_listing_wants_the_same_right(make_user: MakeUser, entry: Entry) -> None:
    user = make_user(*(cell for cell in every_right() if cell.tool is not entry.tool))
    options = {"listing": entry.name, "arguments": arguments_of(entry), "values": {}}
    with pytest.raises(PermissionDenied):
        report_kind(entry.listing_class.report_kind).open(user, options)


@pytest.mark.parametrize("entry", WITH_PAGE, ids=[entry.name for entry in WITH_PAGE])
def test_every_address_leads_to_its_listing(entry: Entry) -> None:
    match = resolve(entry.url(**arguments_of(entry)))
    assert match.view_name == f"web:{entry.name}"


@pytest.mark.slow
def test_a_list_below_a_message_that_is_not_there_is_not_there(make_user: MakeUser) -> None:
    message = make_message(sender=make_user())
    for entry in registry:
        if entry.path and not entry.stands_alone:
            with pytest.raises(Http404):
                entry.open(make_user(*every_right()), {}, {"pk": message.pk + 1, "person": "nobody"})


def test_the_page_of_each_tool_is_the_first_of_its_listings_that_stands_alone() -> None:
    assert page_url(Tool.SENT_MESSAGE_LOG) == registry["sent_message_log"].url()
    assert page_url(Tool.ADMIN_SENT_MESSAGE_LOG) == registry["admin_sent_message_log"].url()
    assert page_url(Tool.PORTAL_INBOX) == ""


def test_names_are_unique_and_unknown_ones_are_refused() -> None:
    twice = Registry()
    twice.register(registry["audit_trail"])
    with pytest.raises(ValueError, match="audit_trail"):
        twice.register(registry["audit_trail"])
    with pytest.raises(UnknownListing):
        registry["of_the_past"]


def test_a_stored_report_of_a_listing_that_is_gone_is_gone(make_user: MakeUser) -> None:
    with pytest.raises(Http404):
        report_kind("listing").open(make_user(*every_right()), {"listing": "x", "arguments": {}, "values": {}})
