"""The list of the people whom a message did not reach."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from listings.exports import exported_rows
from listings.listing import Listing
from listings.paging import key_name
from listings.registry import registry
from messenger_logs.choices import Mode, Reach
from messenger_logs.models import PersonReach, SentMessage
from messenger_logs.reach import people_of_many
from tests.examples import examples
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.reach.people import BOUNCED, BUSY, LEFT, REACHED, STOPPED, counted, person, snow_day
from web.message_urls import message_url

pytestmark = pytest.mark.django_db

LOG = Tool.ADMIN_SENT_MESSAGE_LOG
EVERYBODY = User(username="everybody", is_superuser=True)


def opened(message: SentMessage, user: User = EVERYBODY, **values: str) -> Listing:
    return registry[f"{LOG.name.lower()}_message_unreached"].open(user, values, {"pk": message.pk})


def names(listing: Listing) -> list[str]:
    return [row.recipient.name for row in listing.export_queryset()]


def test_it_has_each_person_once_by_school_and_family_with_every_device_and_why() -> None:
    listing = opened(snow_day())
    assert list(exported_rows(listing.export_queryset(), listing.table)) == [
        ["Nothing, N's child", "Nothing, N", "North", "", "No device", " ".join(NOTHING)],
        ["Adams, A", "Bounced, A", "South", "", "Not reached", Beginning("Email parent")],
        ["Young, Y", "Busy, B", "South", "Spanish", "Not reached", Beginning("Email parent")],
    ]


NOTHING = [
    "Email: No e-mail address on record for such messages.",
    "Voice: No phone number on record for such calls.",
    "Text: No phone number on record for such texts.",
]


class Beginning:
    """A text that begins like this."""

    def __init__(self, begins: str) -> None:
        self.begins = begins

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(self.begins)

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["Nothing, N", "Bounced, A", "Busy, B"]),
        ({"reach": "not_reached"}, ["Bounced, A", "Busy, B"]),
        ({"reach": "no_device"}, ["Nothing, N"]),
        ({"reach": "reached"}, ["Reached, R"]),
        ({"reach": "unconfirmed"}, ["Left, L"]),
        ({"reach": "canceled"}, ["Stopped, S"]),
        ({"mode": "voice"}, ["Stopped, S", "Left, L", "Nothing, N", "Bounced, A", "Busy, B"]),
        ({"mode": "voice", "reach": "not_reached"}, ["Busy, B"]),
        ({"mode": "email", "reach": "not_reached", "language": "es"}, ["Busy, B"]),
        ({"language": "none"}, ["Nothing, N", "Bounced, A"]),
        ({"school": "none", "reach": "all"}, ["Stopped, S"]),
        ({"student": "young"}, ["Busy, B"]),
        ({"recipient": "bounced"}, ["Bounced, A"]),
        ({"recipient": "reached"}, []),
    ],
)
def test_its_filters(values: dict[str, str], expected: list[str]) -> None:
    assert names(opened(snow_day(), **values)) == expected


def test_it_is_narrowed_to_a_school() -> None:
    message = snow_day()
    assert names(opened(message, school="South")) == ["Bounced, A", "Busy, B"]
    assert names(opened(message, school="Elsewhere")) == []


@pytest.mark.slow
@examples(25)
@given(random=st.randoms(use_true_random=False))
def test_each_figure_of_the_totals_lists_so_many_people_and_its_pages_are_the_whole_list(random: Random) -> None:
    message = make_message(modes=["email", "voice", "text"], school=None)
    for number in range(random.randint(0, 60)):
        devices = random.sample([REACHED, BUSY, BOUNCED, LEFT, STOPPED], random.randint(0, 3))
        of_mode = {device["mode"]: device for device in devices}
        person(message, random.choice("abc") + str(number), *of_mode.values(), school=random.choice(["", "N", "S"]))
    people = people_of_many([counted(message).pk]).get(message.pk)
    for kind in Reach:
        assert opened(message, reach=kind).count() == (people.by_kind[kind] if people else 0)

    listing = opened(message, rows="25")
    listing.fetch()
    found, pages = [*listing.page.rows], 1
    while listing.page.more_after:
        listing = opened(message, rows="25", after=key_name(listing.page.rows[-1]))
        listing.fetch()
        found, pages = [*found, *listing.page.rows], pages + 1
    expected = PersonReach.objects.filter(message=message, reach__in=["not_reached", "no_device"])
    assert [row.pk for row in found] == [row.pk for row in sorted(expected, key=lambda row: (row.filed_under, row.pk))]
    assert pages == max(1, -(-len(found) // 25))


@pytest.mark.slow
def test_reading_a_page_needs_the_same_number_of_queries_for_any_number_of_people(
    django_assert_num_queries: Any,
) -> None:
    few, many = snow_day(), make_message(modes=list(Mode))
    for number in range(30):
        person(many, f"P{number}", BUSY, BOUNCED)
    counted(many)
    for message in (few, many):
        listing = opened(message)
        with django_assert_num_queries(8):
            listing.fetch()
            assert listing.table.body


def test_who_may_not_see_the_message_may_not_see_its_people(make_user: Callable[..., User]) -> None:
    message = snow_day(sender=make_user())
    own = registry["sent_message_log_message_unreached"]
    with pytest.raises(Http404):
        own.open(make_user(Tool.SENT_MESSAGE_LOG), {}, {"pk": message.pk})
    with pytest.raises(PermissionDenied):
        own.open(make_user(Tool.ADMIN_SENT_MESSAGE_LOG), {}, {"pk": message.pk})


def test_the_page_leads_to_the_call_sheet_and_a_look_at_it_is_audited(
    make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    message, user = snow_day(), make_user(LOG)
    client = signed_in(user)
    address = message_url(LOG, message.pk, "unreached")
    page = Shown(client.get(address))
    assert page.href("call-sheet") == f"{message_url(LOG, message.pk, 'call_sheet')}?format=pdf"
    assert "The line was busy." in page.html
    assert page.count.endswith("of 3")
    assert [(event.action, event.details) for event in AuditEvent.objects.filter(action="message.viewed")] == [
        ("message.viewed", {"message": message.pk, "shown": "unreached people"})
    ]
    assert Shown(client.get(message_url(LOG, message.pk))).href("unreached-people") == address


def test_a_message_that_reached_everybody_has_no_call_sheet(
    make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    message = make_message(modes=["voice"])
    person(message, "Vang, Pa", REACHED)
    counted(message)
    client = signed_in(make_user(LOG))
    assert not Shown(client.get(message_url(LOG, message.pk))).href("unreached-people")
    assert "No people found" in Shown(client.get(message_url(LOG, message.pk, "unreached"))).empty_text
