"""Saved views: who is offered one, what it shows, and what is said about filters that a list does not know any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool, every_right
from listings.dates import Days, quick_ranges
from listings.registry import registry
from messenger_logs.models import SentMessage
from saved_views.models import SavedView
from saved_views.opening import forgotten, open_view, values_of
from saved_views.services.views import NameTaken, NotYourGroup, change_view, delete_view, save_view
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_message, make_school
from tests.saved_views.factories import make_view

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
ADMIN, OWN = Tool.ADMIN_SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG
TODAY = date(2026, 11, 20)


def share(view: SavedView, *readers: User) -> Group:
    group = Group.objects.create(name=f"Readers of {view.pk}")
    for reader in readers:
        reader.groups.add(group)
    view.group = group
    view.save()
    return group


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


# Who is offered a view, and what it shows


@pytest.mark.parametrize("listing", ["admin_sent_message_log", "sent_message_log", "audit_trail", "gone"])
@pytest.mark.parametrize("who", ["owner", "member", "other"])
def test_a_view_is_offered_to_its_owner_and_its_group_where_they_may_see_the_list(
    make_user: MakeUser, listing: str, who: str
) -> None:
    owner, member, other = make_user(ADMIN), make_user(ADMIN), make_user(ADMIN)
    view = make_view(owner, listing=listing)
    share(view, member)
    person = {"owner": owner, "member": member, "other": other}[who]
    offered = SavedView.objects.offered_to(fresh(person)).filter(pk=view.pk).exists()
    assert offered == (listing == "admin_sent_message_log" and who != "other")


def test_what_a_view_shows_follows_the_rights_and_schools_of_who_opens_it(make_user: MakeUser) -> None:
    """Each pair of a maker and a reader, each with one of the rights and some of the schools."""
    schools = [make_school("East"), make_school("West")]
    sights = [(tool, some) for tool in (ADMIN, OWN) for some in ([], schools[:1], schools)]
    people = [hold_for(make_user(tool, username=f"u{number}"), *some) for number, (tool, some) in enumerate(sights)]
    subjects = [f"bus {number}" for number in range(6)]
    for subject, (sender, school) in zip(
        subjects, product([people[0], people[3], None], ["East", "West"]), strict=True
    ):
        make_message(subject=subject, sender=sender, school=school)
    for maker, reader in product(people, people):
        tool = next(tool for (tool, _), person in zip(sights, people, strict=True) if person == maker)
        view = SavedView(owner=maker, listing=tool.name.lower(), values={"subject": "bus"})
        if not reader.may(tool):
            with pytest.raises(PermissionDenied):
                open_view(view, reader, today=timezone.localdate())
            continue
        shown = {row.subject for row in open_view(view, reader, today=timezone.localdate()).export_queryset()}
        assert shown == {message.subject for message in plainly_visible(reader, tool)}


def plainly_visible(user: User, tool: Tool) -> list[SentMessage]:
    scope = user.scope_of(tool)
    return [
        message
        for message in SentMessage.objects.select_related("school")
        if (message.sender_id == user.pk if tool is OWN else scope.has(message.school_id))
    ]


def test_a_list_page_offers_opens_and_says_what_it_does_not_know(make_user: MakeUser, signed_in: Any) -> None:
    owner, reader = make_user(ADMIN), make_user(ADMIN)
    make_message(subject="bus 1")
    make_message(subject="library 2")
    view = make_view(owner, listing="admin_sent_message_log", values={"subject": "bus", "color": "red"})
    share(view, reader)
    client: Client = signed_in(fresh(reader))
    url = registry["admin_sent_message_log"].url()
    page = client.get(url, {"view": view.pk}).text
    assert "bus 1" in page
    assert "library 2" not in page
    assert "does not know the filter “color”" in page
    assert f"?view={view.pk}" in page
    assert 'aria-current="true"' in page
    assert AuditEvent.objects.get(action="saved_view.opened").details == {"view": view.pk}
    SavedView.objects.update(group=None)
    page = client.get(url, {"view": view.pk}).text
    assert "That view is not there any more" in page
    assert "library 2" in page


def test_a_personal_value_is_in_no_address_and_no_audit_row(make_user: MakeUser, signed_in: Any) -> None:
    owner = make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG)
    client: Client = signed_in(owner)
    url = registry["admin_mailgun_message_log"].url()
    location = client.post(url, {"recipient": "marked-name", "subject": "bus"})["Location"]
    page = client.get(location).text
    # The forms for the view and for the columns.
    address, other = [part.split('"')[0] for part in page.split('name="address" value="')[1:]]
    assert "marked-name" not in other
    assert "find=" in address
    assert "marked-name" not in address
    saved = client.post("/saved-views/save/", {"address": address.replace("&amp;", "&"), "name": "marked-view"})
    view = SavedView.objects.get()
    assert view.values["recipient"] == "marked-name"
    assert saved["Location"] == f"{url}?view={view.pk}"
    opened = client.get(saved["Location"]).text
    assert 'value="marked-name"' in opened, "the field shows what is searched"
    links = [part.split('"')[0] for part in opened.split('href="')[1:]]
    assert not [link for link in links if "marked" in link]
    assert any("find=" in link for link in links)
    texts = AuditEvent.objects.values_list("target", "details")
    assert "marked" not in str(list(texts))


# The days


@pytest.mark.parametrize("today", [TODAY, date(2024, 2, 29), date(2026, 1, 1), date(2026, 7, 1), date(2026, 6, 30)])
def test_days_that_move_on(today: date) -> None:
    spans = {days: days.on(today) for days in Days}
    assert all(first <= last <= today for first, last in spans.values())
    assert {spans[Days.TODAY], spans[Days.YESTERDAY]} == {(today,) * 2, (today - timedelta(days=1),) * 2}
    assert [(last - first).days + 1 for first, last in (spans[Days.LAST_7], spans[Days.LAST_30])] == [7, 30]
    monday, sunday = spans[Days.LAST_WEEK]
    assert (monday.weekday(), sunday.weekday(), (sunday - monday).days) == (0, 6, 6)
    assert 0 < (today - sunday).days <= 7
    first, last = spans[Days.LAST_MONTH]
    assert first.day == 1
    assert last + timedelta(days=1) == today.replace(day=1)
    begin, _ = spans[Days.SCHOOL_YEAR]
    assert (begin.month, begin.day) == (7, 1)
    assert (today - begin).days < 366
    first, last = spans[Days.LAST_12_MONTHS]
    assert last == today
    assert 365 <= (last - first).days + 1 <= 366, "each day of the calendar once"


@pytest.mark.parametrize(
    ("begins", "today", "first"),
    [
        ((8, 15), date(2026, 8, 14), date(2025, 8, 15)),
        ((8, 15), date(2026, 8, 15), date(2026, 8, 15)),
        ((1, 1), date(2026, 11, 20), date(2026, 1, 1)),
        ((12, 31), date(2026, 12, 30), date(2025, 12, 31)),
    ],
)
def test_a_district_says_when_its_school_year_begins(
    settings: Settings, begins: tuple[int, int], today: date, first: date
) -> None:
    settings.SCHOOL_YEAR_BEGINS = begins
    assert Days.SCHOOL_YEAR.on(today) == (first, today)


def test_long_days_are_offered_where_a_list_goes_back_that_far(time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T18:00Z")
    labels = [label for label, _, _ in quick_ranges(None)]
    assert labels == ["today", "yesterday", "last 7 days", "last 30 days", "last 12 months", "this school year"]
    assert [label for label, _, _ in quick_ranges(TODAY)] == labels[:-2]


@pytest.mark.parametrize("days", [None, *Days])
def test_a_saved_view_keeps_fixed_days_or_those_that_move_on(make_user: MakeUser, days: Days | None) -> None:
    owner = make_user(ADMIN)
    listing = registry["admin_sent_message_log"].open(
        owner, {"created_from": "2026-11-02", "created_to": "2026-11-03", "sort": "subject", "after": "sentmessage-1"}
    )
    view, is_new = save_view(by=owner, listing=listing, name="Buses", days=days)
    first, last = days.on(TODAY) if days else (date(2026, 11, 2), date(2026, 11, 3))
    kept = {"created_from": first.isoformat(), "created_to": last.isoformat(), "sort": "subject"}
    assert is_new
    assert values_of(view, today=TODAY) == kept
    assert open_view(view, owner, today=TODAY).errors == []


@given(
    values=st.dictionaries(
        st.sampled_from(["subject", "status", "created_to", "color", "shape"]), st.text("ab", min_size=1)
    ),
    days=st.sampled_from(["", "last_7_days", "next_decade"]),
)
def test_each_filter_is_known_or_said(values: dict[str, str], days: str) -> None:
    view = SavedView(listing="admin_sent_message_log", values=values, days=days)
    unknown = {*values} & {"color", "shape"} | ({"days"} if days == "next_decade" else set())
    assert set(forgotten(view)) == unknown


def test_a_list_without_days_says_that_it_knows_none() -> None:
    assert forgotten(SavedView(listing="people", values={}, days="today")) == ["days"]


# Changes


@pytest.mark.slow
def test_saving_under_a_name_again_replaces_the_view(make_user: MakeUser) -> None:
    owner = make_user(ADMIN)
    entry = registry["admin_sent_message_log"]
    first, _ = save_view(by=owner, listing=entry.open(owner, {"subject": "bus"}), name="Buses")
    second, is_new = save_view(by=owner, listing=entry.open(owner, {"subject": "snow"}), name="BUSES")
    assert (second.pk, is_new) == (first.pk, False)
    assert SavedView.objects.get().values["subject"] == "snow"


def test_a_view_is_shared_only_with_groups_of_its_owner(make_user: MakeUser) -> None:
    owner, administrator = make_user(ADMIN), make_user(ADMIN, (Tool.USER_GROUPS, Right.WRITE))
    theirs, strange = owner.groups.get(), Group.objects.create(name="Strangers")
    view = make_view(owner, listing="admin_sent_message_log")
    change_view(by=owner, view=view, name="Buses", days=None, group=theirs)
    view.refresh_from_db()
    with pytest.raises(NotYourGroup):
        change_view(by=owner, view=view, name="Buses", days=None, group=strange)
    change_view(by=owner, view=view, name="Buses", days=None, group=None)
    change_view(by=administrator, view=make_view(administrator), name="Buses", days=None, group=strange)
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["saved_view.shared", "saved_view.unshared", "saved_view.shared"]


def test_a_name_is_used_once_for_a_list(make_user: MakeUser) -> None:
    owner = make_user(ADMIN)
    make_view(owner, name="Snow")
    view = make_view(owner)
    with pytest.raises(NameTaken):
        change_view(by=owner, view=view, name="snow", days=None, group=None)
    change_view(by=owner, view=make_view(owner, listing="people"), name="snow", days=None, group=None)


def test_nobody_changes_the_view_of_somebody_else(make_user: MakeUser, signed_in: Any) -> None:
    owner, reader = make_user(OWN), make_user(*every_right())
    view = make_view(owner)
    share(view, reader)
    client = signed_in(fresh(reader))
    assert client.get(f"/saved-views/{view.pk}/").status_code == 404
    for action in ("change", "delete", "schedule"):
        assert client.post(f"/saved-views/{view.pk}/{action}/", {"name": "x"}).status_code == 404
    assert not delete_view(by=reader, view=view)
    assert SavedView.objects.get().name == "Buses"
    assert "Buses" in client.get("/saved-views/").text
