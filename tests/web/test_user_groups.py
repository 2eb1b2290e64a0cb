import threading

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from accounts import services
from accounts.default_groups import DEFAULT_GROUPS
from accounts.models import AuditEvent, User
from accounts.querysets import rights_of
from accounts.refusals import refusal_text
from accounts.tools import Right, Tool
from tests.wait import PATIENCE

pytestmark = pytest.mark.django_db

GROUPS = "/system-administration/user-groups/"
SEE, CHANGE = (Tool.USER_GROUPS, Right.READ), (Tool.USER_GROUPS, Right.WRITE)
LAST = "afterwards nobody could change rights any more"


@pytest.fixture
def administrator(make_user):
    return make_user(SEE, CHANGE, username="admin", first_name="System", last_name="Administrator")


@pytest.fixture
def client(administrator, signed_in):
    return signed_in(administrator)


@pytest.fixture
def counselors(db):
    return Group.objects.get(name="Counselors")


def page(group, *parts):
    return GROUPS + "/".join([str(group.pk), *parts, ""])


def events():
    return list(AuditEvent.objects.exclude(action__startswith="sign_").order_by("id"))


def save_rights(client, group, rights, seen=None):
    seen = rights_of(group) if seen is None else seen
    return client.post(page(group, "rights"), {"rights": list(rights), "seen": " ".join(seen)}, follow=True)


# The matrix


def test_the_matrix_shows_every_right_of_every_group(client):
    text = client.get(GROUPS).text
    for group in Group.objects.all():
        assert f'href="{page(group)}"' in text
    for tool in Tool:
        assert tool.path.replace(">", "&gt;") in text
    ticks = Permission.objects.filter(content_type__model="toolright", group__isnull=False).count()
    assert text.count("✓") == ticks > 0


def test_the_matrix_takes_a_fixed_number_of_queries(client, django_assert_max_num_queries):
    for number in range(20):
        Group.objects.create(name=f"More {number}")
    with django_assert_max_num_queries(12):
        client.get(GROUPS)


def test_who_may_only_see_is_offered_no_change(make_user, signed_in, counselors):
    client = signed_in(make_user(SEE))
    for address in (GROUPS, page(counselors, "people"), page(counselors)):
        text = client.get(address).text
        assert text.count('method="post"') == 2, "only the language and the sign-out"
    assert "<fieldset" in text
    assert text.count("<fieldset") == text.count(" disabled>")


# Rights


def test_rights_are_ticked_and_unticked_and_the_change_is_recorded(client, administrator, counselors):
    before = rights_of(counselors)
    wanted = [Tool.AUDIT_TRAIL.codename(), Tool.SENT_MESSAGE_LOG.codename()]
    response = save_rights(client, counselors, wanted)
    assert "The rights are saved." in response.text
    counselors = Group.objects.get(pk=counselors.pk)
    assert set(rights_of(counselors)) == set(wanted)
    [event] = events()
    assert (event.action, event.who, event.who_id, event.target) == (
        "user_group.rights_changed",
        "Administrator, System",
        administrator.pk,
        "Counselors",
    )
    assert event.details["after"] == ["Messenger > Sent Message Log: See", "System Administration > Audit Trail: See"]
    assert len(event.details["before"]) == len(before)
    assert event.details["given"] == ["System Administration > Audit Trail: See"]
    assert len(event.details["taken"]) == len(before) - 1


def test_saving_what_is_so_already_records_nothing(client, counselors):
    save_rights(client, counselors, rights_of(counselors))
    assert events() == []


def test_rights_changed_by_another_meanwhile_are_not_overwritten(client, counselors):
    seen = rights_of(counselors)
    counselors.permissions.clear()
    response = save_rights(client, counselors, [Tool.AUDIT_TRAIL.codename()], seen=seen)
    assert "somebody else changed the rights of this group" in response.text
    assert rights_of(Group.objects.get(pk=counselors.pk)) == []
    assert events() == []


@pytest.mark.parametrize("right", ["no_such_right", "add_group", "x" * 10_000, "nul\0"])
def test_a_right_that_is_none_is_refused_in_words(client, counselors, right):
    before = rights_of(counselors)
    response = save_rights(client, counselors, [right])
    assert response.status_code == 200
    assert "is not one of the available choices" in response.text
    assert rights_of(Group.objects.get(pk=counselors.pk)) == before


def test_permissions_that_are_no_tool_rights_stay(client, counselors):
    other = Permission.objects.exclude(content_type__app_label="accounts").earliest("id")
    counselors.permissions.add(other)
    save_rights(client, counselors, [])
    assert list(counselors.permissions.all()) == [other]


# The last administrator


def group_of(user):
    return user.groups.get()


@pytest.mark.slow
def test_the_last_administrator_cannot_take_the_right_from_everybody(client, administrator):
    group = group_of(administrator)
    for response in (
        save_rights(client, group, [Tool.USER_GROUPS.codename()]),
        client.post(page(group, "people", "remove"), {"user": administrator.pk}, follow=True),
        client.post(page(group, "delete"), follow=True),
    ):
        assert LAST in response.text
        assert User.objects.get(pk=administrator.pk).may(*CHANGE)
    assert events() == []


def test_one_of_two_administrators_may_give_it_up(client, administrator, make_user):
    make_user(groups=["System Administrators"])
    save_rights(client, group_of(administrator), [Tool.USER_GROUPS.codename()])
    assert not User.objects.get(pk=administrator.pk).may(*CHANGE)


def test_a_closed_account_does_not_count_as_an_administrator(client, administrator, make_user):
    make_user(groups=["System Administrators"], is_active=False)
    assert LAST in save_rights(client, group_of(administrator), []).text


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_take_the_right_from_each_other_at_once(make_user):
    """Each removes the other at the same moment: one of the two removals is refused."""
    one, other = make_user(SEE, CHANGE), make_user(SEE, CHANGE)
    barrier = threading.Barrier(2)
    refused = []

    def remove(by, whom):
        try:
            barrier.wait(timeout=PATIENCE)
            services.remove_member(by=by, group_id=group_of(whom).pk, user=whom)
        except services.LastAdministrator:
            refused.append(whom)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(refused) == 1
    assert User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE)).count() == 1


# Groups


def test_a_group_is_made(client):
    response = client.post(f"{GROUPS}new/", {"name": "  Bus Drivers "}, follow=True)
    group = Group.objects.get(name="Bus Drivers")
    assert response.redirect_chain == [(page(group), 302)]
    assert "The group Bus Drivers is made." in response.text
    [event] = events()
    assert (event.action, event.target) == ("user_group.created", "Bus Drivers")


def test_a_group_is_renamed(client, counselors):
    response = client.post(page(counselors, "name"), {"name": "School Counselors"}, follow=True)
    assert "The group is now named School Counselors." in response.text
    [event] = events()
    assert event.details == {"before": "Counselors", "after": "School Counselors"}
    assert len(rights_of(Group.objects.get(name="School Counselors"))) == len(DEFAULT_GROUPS["Counselors"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("registrars", "There is already a group named"),
        ("", "This field is required"),
        ("x" * 10_000, "at most 150 characters"),
        ("nul\0byte", "Null characters are not allowed"),
    ],
)
def test_a_name_that_will_not_do_is_refused_in_words(client, counselors, name, words):
    for address in (page(counselors, "name"), f"{GROUPS}new/"):
        response = client.post(address, {"name": name}, follow=True)
        assert response.status_code == 200
        assert words in response.text
    assert events() == []
    assert Group.objects.count() == 9


def test_deleting_asks_first_and_says_what_it_takes(client, counselors, make_user):
    make_user(groups=["Counselors"])
    text = client.get(page(counselors, "delete")).text
    assert "1 person will lose the rights" in text
    assert "Messenger &gt; Sent Message Log: Change" in text
    assert Group.objects.filter(pk=counselors.pk).exists()


def test_a_deleted_group_leaves_its_people_and_its_trace(client, counselors, make_user):
    user = make_user(username="dexter", groups=["Counselors"])
    client.post(page(counselors, "delete"))
    assert not Group.objects.filter(pk=counselors.pk).exists()
    assert not User.objects.get(pk=user.pk).may(Tool.SENT_MESSAGE_LOG)
    [event] = events()
    assert (event.action, event.target, event.details["members"]) == ("user_group.deleted", "Counselors", ["dexter"])


def test_a_group_that_is_gone_is_not_found(client, counselors):
    address = page(counselors)
    counselors.delete()
    for path in (address, f"{GROUPS}99999999999999999999/", GROUPS + "9" * 5_000 + "/"):
        assert client.get(path).status_code == 404
    with pytest.raises(services.GroupDeleted) as refused:
        services.rename_group(by=None, group_id=0, name="x")
    assert "somebody deleted this group meanwhile" in refusal_text(refused.value)


# People


@pytest.mark.slow
def test_people_are_found_by_any_part_of_their_names_without_an_address_telling(client, counselors, make_user):
    make_user(username="dmatthews", first_name="Dexter", last_name="Matthews", email="dm@example.org")
    make_user(username="closed", last_name="Matthews", is_active=False)
    make_user(username="inside", last_name="Matthews", groups=["Counselors"])
    for text in ("dext", "MATTHEWS dex", "dmat", "dm@ex"):
        response = client.post(page(counselors, "people", "find"), {"who": text})
        assert [user.username for user in response.context["found"]] == ["dmatthews"]
        assert response.wsgi_request.get_full_path() == page(counselors, "people", "find")


def test_finding_nobody_or_too_many_says_so(client, counselors, make_user):
    assert (
        "Nobody outside this group is called that"
        in client.post(page(counselors, "people", "find"), {"who": "zz"}).text
    )
    for number in range(21):
        make_user(username=f"matthews{number}")
    response = client.post(page(counselors, "people", "find"), {"who": "matthews"})
    assert len(response.context["found"]) == 20
    assert "There are more." in response.text


@pytest.mark.parametrize("who", ["", "nul\0", "x" * 10_000])
def test_an_odd_search_gets_words(client, counselors, who):
    response = client.post(page(counselors, "people", "find"), {"who": who})
    assert response.status_code == 200
    assert response.context["find_form"].errors["who"]


@pytest.mark.slow
def test_a_person_is_added_and_removed_and_both_are_recorded(client, counselors, make_user):
    user = make_user(username="dexter", pk=12_345)
    assert 'value="12345"' in client.post(page(counselors, "people", "find"), {"who": "dexter"}).text
    text = client.post(page(counselors, "people", "add"), {"user": user.pk}, follow=True).text
    assert 'value="12345"' in text
    assert "dexter is now in this group." in text
    assert User.objects.get(pk=user.pk).may(Tool.SENT_MESSAGE_LOG)
    client.post(page(counselors, "people", "add"), {"user": user.pk})
    client.post(page(counselors, "people", "remove"), {"user": user.pk})
    assert not User.objects.get(pk=user.pk).may(Tool.SENT_MESSAGE_LOG)
    [searched, *changed] = events()
    assert searched.action == "person.searched"
    assert [(event.action, event.target, event.details) for event in changed] == [
        ("user_group.member_added", "Counselors", {"account": "dexter"}),
        ("user_group.member_removed", "Counselors", {"account": "dexter"}),
    ]


@pytest.mark.parametrize("user", ["", "x", "nul\0", "0", "9" * 30, "-1"])
def test_a_person_that_is_none_is_refused_in_words(client, counselors, user):
    response = client.post(page(counselors, "people", "add"), {"user": user}, follow=True)
    assert response.status_code == 200
    assert "Person: " in response.text
    assert events() == []
