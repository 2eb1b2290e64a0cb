"""The pages of people: the list, a person, a new person, and the schools of a group."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from knox.models import AuthToken
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.account_services import Memberships
from accounts.holder import Holder
from accounts.models import AuditEvent, GroupScope, User
from accounts.querysets import reach_and_schools, rights_of, tool_permissions
from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope, ScopeReach
from accounts.services import issue_token
from accounts.tools import Right, Tool, every_right
from listings.registry import registry
from messenger_logs.models import School, SentMessage
from tests.messenger_logs.factories import make_message
from web import access_effect
from web.access_effect import NO_CHANGE, effect_text

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
SEE, CHANGE = (Tool.USER_GROUPS, Right.READ), (Tool.USER_GROUPS, Right.WRITE)
PASSWORD = "an uncommon long sentence"


@pytest.fixture
def administrator(make_user: MakeUser) -> User:
    return make_user(SEE, CHANGE, username="admin", first_name="System", last_name="Administrator")


@pytest.fixture
def client(administrator: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(administrator)


@pytest.fixture
def schools() -> list[School]:
    return [School.objects.create(name=name) for name in ("Harrison High", "Lincoln Elementary")]


def events(*kinds: str) -> list[tuple[str, str]]:
    rows = AuditEvent.objects.order_by("pk").values_list("action", "target")
    return [row for row in rows if row[0].startswith(kinds)]


# The list


def listed(user: User, **values: str) -> list[str]:
    listing = registry["people"].open(user, values)
    listing.fetch()
    return [person.username for person in listing.page.rows]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, ["admin", "liên", "mai", "rosa"]),
        ({"sort": "-person"}, ["rosa", "mai", "liên", "admin"]),
        ({"person": "vang MAI"}, ["mai"]),
        ({"person": "@example"}, ["rosa"]),
        ({"group": "Principals"}, ["mai", "rosa"]),
        ({"school": "Lincoln Elementary"}, ["rosa"]),
        ({"group": "Principals", "school": "Harrison High"}, ["mai", "rosa"]),
        ({"state": "False"}, ["liên"]),
        ({"state": "True"}, ["admin", "mai", "rosa"]),
    ],
)
def test_people_are_found_by_name_group_school_and_state(
    administrator: User, make_user: MakeUser, schools: list[School], values: dict[str, str], found: list[str]
) -> None:
    make_user(username="liên", is_active=False)
    mai = make_user(username="mai", first_name="Mai", last_name="Vang", groups=["Principals"])
    rosa = make_user(username="rosa", last_name="Xiong", email="r@example.org", groups=["Principals", "Counselors"])
    mai.schools.set(schools[:1])
    rosa.schools.set(schools)
    assert listed(administrator, **values) == found


def test_the_list_takes_a_fixed_number_of_queries(
    administrator: User,
    make_user: MakeUser,
    schools: list[School],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(20):
        make_user(groups=["Principals"]).schools.set(schools[: number % 3])
    with django_assert_max_num_queries(14):
        assert len(listed(administrator)) == 21


def test_the_list_says_who_has_never_signed_in_and_leads_to_each_person(client: Client, make_user: MakeUser) -> None:
    person = make_user(username="mai", groups=["Principals"])
    text = client.get(reverse("web:people")).text
    assert f'href="{reverse("web:person", args=[person.pk])}"' in text
    assert "never" in text
    assert reverse("web:add_person") in text


# A person


def test_the_page_of_a_person_says_for_which_schools_each_right_is(
    client: Client, make_user: MakeUser, schools: list[School]
) -> None:
    person = make_user(Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG, username="mai")
    group = person.groups.get()
    GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN).schools.set(schools[:1])
    response = client.get(reverse("web:person", args=[person.pk]))
    held = [(each.cell.tool, each.schools) for each in response.context["rights"]]
    assert held == [(Tool.RECIPIENT_LOG, ""), (Tool.ADMIN_RECIPIENT_LOG, "Harrison High")]
    assert f"{group.name}</a>: Harrison High" in response.text
    assert events("account") == [("account.viewed", "mai")]


def test_groups_and_schools_are_saved_on_the_page_of_a_person(
    client: Client, make_user: MakeUser, schools: list[School]
) -> None:
    person = make_user(username="mai", groups=["Counselors"])
    address = reverse("web:person", args=[person.pk])
    form = client.get(address).context["form"]
    seen = {name: form[name].value() for name in ("seen_groups", "seen_schools")}
    wanted = {"groups": [Group.objects.get(name="Principals").pk], "schools": [school.pk for school in schools]}
    change = reverse("web:change_person", args=[person.pk])
    assert "The groups and schools are saved." in client.post(change, seen | wanted, follow=True).text
    has = Memberships.of(User.objects.get(pk=person.pk))
    assert (has.groups, has.schools) == (frozenset(wanted["groups"]), frozenset(wanted["schools"]))
    # The page from before has been overtaken.
    assert "somebody else changed the groups or schools" in client.post(change, seen | wanted, follow=True).text
    assert events("account.changed") == [("account.changed", "mai")]


@pytest.mark.parametrize("odd", ["x", "nul\0", "9" * 30, "-1", "0", ""])
def test_a_group_or_school_that_is_none_is_refused_in_words(client: Client, make_user: MakeUser, odd: str) -> None:
    person = make_user()
    for field, label in (("groups", "User groups"), ("schools", "Schools")):
        text = client.post(reverse("web:change_person", args=[person.pk]), {field: [odd]}, follow=True).text
        assert f"{label}: one of those that you ticked is not there any more." in text
    assert events("account.changed") == []


def test_an_account_is_closed_and_opened_on_its_page(client: Client, administrator: User, make_user: MakeUser) -> None:
    person = make_user(username="mai", first_name="Mai", last_name="Vang")
    text = client.post(reverse("web:close_account", args=[person.pk]), follow=True).text
    assert "The account is closed: Vang, Mai may not sign in any more." in text
    assert "The account is open: Vang, Mai may sign in again." in (
        client.post(reverse("web:open_account", args=[person.pk]), follow=True).text
    )
    text = client.post(reverse("web:close_account", args=[administrator.pk]), follow=True).text
    assert "you cannot close your own account" in text
    assert client.get(reverse("web:person", args=[10**9])).status_code == 404


def test_who_may_only_see_is_offered_no_change_of_people(
    make_user: MakeUser, signed_in: Callable[[User], Client], schools: list[School]
) -> None:
    client, person = signed_in(make_user(SEE)), make_user()
    text = client.get(reverse("web:person", args=[person.pk])).text
    assert text.count('method="post"') == 2, "only the sign-out and the language"
    assert text.count("<fieldset") == text.count(" disabled>") == 2
    assert reverse("web:add_person") not in client.get(reverse("web:people")).text


# A new person

MAI: dict[str, Any] = {"first_name": "Mai", "last_name": "Vang", "email": "Mai@Example.org"}


def test_a_new_person_chooses_a_password_by_the_link_of_the_invitation(
    client: Client, settings: Settings, schools: list[School]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.CELERY_TASK_ALWAYS_EAGER = True
    group = Group.objects.get(name="Principals")
    form = MAI | {"groups": [group.pk], "schools": [schools[0].pk]}
    response = client.post(reverse("web:add_person"), form, follow=True)
    person = User.objects.get(username="mai@example.org")
    assert response.redirect_chain == [(reverse("web:person", args=[person.pk]), 302)]
    assert "an invitation is on its way" in response.text
    assert [*person.groups.all()] == [group]
    assert [*person.schools.all()] == schools[:1]
    assert events("account.created", "account.invited") == [
        ("account.created", "mai@example.org"),
        ("account.invited", "mai@example.org"),
    ]
    [sent] = mail.outbox
    assert sent.to == ["mai@example.org"]
    [link, again] = re.findall(r"http://testserver(\S+)", sent.body)
    assert again == reverse("account_reset_password")
    visitor = Client()
    form_page = visitor.get(link, follow=True).redirect_chain[-1][0]
    visitor.post(form_page, {"password1": PASSWORD, "password2": PASSWORD})
    assert visitor.login(username="mai@example.org", password=PASSWORD)
    assert "Send the invitation again" not in client.get(reverse("web:person", args=[person.pk])).text


@pytest.mark.parametrize("odd", ["", "x", "9" * 30])
def test_the_page_of_a_group_leads_to_a_new_person_in_it(client: Client, odd: str) -> None:
    group = Group.objects.get(name="Principals")
    address = f"{reverse('web:add_person')}?group="
    assert f"{address}{group.pk}" in client.get(reverse("web:group_people", args=[group.pk])).text
    assert re.search(rf'name="groups"[^>]* value="{group.pk}" checked', client.get(f"{address}{group.pk}").text)
    assert client.get(address + odd).status_code == 200


def test_without_mail_the_page_says_who_sets_the_password(client: Client, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    text = client.post(reverse("web:add_person"), MAI, follow=True).text
    assert "a superuser has to set the password" in text
    assert events("account.") == [("account.created", "mai@example.org"), ("account.viewed", "mai@example.org")]
    person = User.objects.get(username="mai@example.org")
    text = client.post(reverse("web:invite_person", args=[person.pk]), follow=True).text
    assert "No invitation was sent" in text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email": "taken@example.org"}, "another account has this e-mail address"),
        ({"email": "no address"}, "Enter a valid email address"),
        ({"email": f"{'x' * 60}@{'y' * 60}.{'z' * 60}.org"}, "at most 150 characters"),
        ({"first_name": ""}, "This field is required"),
        ({"last_name": "nul\0"}, "Null characters are not allowed"),
        ({"schools": ["0"]}, "not there any more"),
    ],
)
def test_what_will_not_do_is_said_beside_the_form_and_what_was_typed_stays(
    client: Client, make_user: MakeUser, wrong: dict[str, Any], words: str
) -> None:
    make_user(username="taken", email="taken@example.org")
    group = Group.objects.get(name="Principals")
    response = client.post(reverse("web:add_person"), MAI | {"groups": [group.pk]} | wrong)
    assert response.status_code == 200
    assert words in response.text
    assert re.search(rf'name="groups"[^>]* value="{group.pk}" checked', response.text)
    assert events("account.") == []


# The schools of a group


def test_the_schools_of_a_group_are_saved_and_shown(client: Client, schools: list[School]) -> None:
    group = Group.objects.get(name="Principals")
    change = reverse("web:change_schools", args=[group.pk])
    assert "all schools" in client.get(reverse("web:user_groups")).text
    form = {"reach": "chosen", "schools": [schools[1].pk], "seen_reach": "all", "seen_schools": ""}
    assert "The schools are saved." in client.post(change, form, follow=True).text
    group = Group.objects.get(pk=group.pk)
    assert reach_and_schools(group) == (ScopeReach.CHOSEN, schools[1:])
    assert "Lincoln Elementary" in client.get(reverse("web:user_groups")).text
    assert "somebody else changed the schools of this group" in client.post(change, form, follow=True).text
    assert events("user_group") == [("user_group.scope_changed", "Principals")]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"reach": "chosen", "seen_reach": "all"}, "Chosen schools: tick at least one"),
        ({"reach": "some", "seen_reach": "all"}, "The rights are held for: "),
        ({"reach": "chosen", "schools": ["9" * 30], "seen_reach": "all"}, "Chosen schools: one of those"),
    ],
)
def test_schools_that_will_not_do_are_refused_in_words(client: Client, form: dict[str, Any], words: str) -> None:
    group = Group.objects.get(name="Principals")
    assert words in client.post(reverse("web:change_schools", args=[group.pk]), form, follow=True).text
    assert events("user_group") == []


# What a change would open


ADMIN_LOG, ADMIN_LOG_2 = Tool.ADMIN_SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG_2
CLASSIC = (ADMIN_LOG.codename(),)
V2 = tuple(ADMIN_LOG_2.codename(right) for right in (Right.READ, Right.ALL_MESSAGES, Right.TYPE_GENERAL))


@pytest.fixture
def three_messages(schools: list[School]) -> None:
    """One of each school, by somebody, and one of the 2.0 engine that is of the whole district."""
    for school in schools:
        make_message(school=school)
    make_message(engine="v2", message_type="Messenger 2.0 - General", school=None)


def effect(client: Client, name: str, pk: int | None, **form: Any) -> str:
    return client.post(reverse(f"web:{name}_effect", args=[pk] if pk else []), form).text


@pytest.mark.usefixtures("three_messages")
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((), CLASSIC, "This gives 1 person access to 2 messages."),
        ((), (*CLASSIC, *V2), "This gives 1 person access to 3 messages."),
        (CLASSIC, (*CLASSIC, *V2), "This gives 1 person access to 1 message."),
        (CLASSIC, V2, "This gives 1 person access to 1 message. This takes access to 2 messages from 1 person."),
        (CLASSIC, CLASSIC, NO_CHANGE),
        ((), (Tool.SENT_MESSAGE_LOG.codename(), Tool.AUDIT_TRAIL.codename()), NO_CHANGE),
    ],
)
def test_before_rights_are_saved_the_page_says_what_they_open(
    client: Client, make_user: MakeUser, before: tuple[str, ...], after: tuple[str, ...], words: str
) -> None:
    group = Group.objects.create(name="Aides")
    group.permissions.set(tool_permissions(before))
    make_user(groups=["Aides"])
    make_user(groups=["Aides"], is_active=False)
    assert effect(client, "rights", group.pk, rights=after) == words
    assert set(rights_of(Group.objects.get(pk=group.pk))) == set(before), "nothing is saved"


@pytest.mark.usefixtures("three_messages")
def test_a_group_without_people_opens_messages_to_each_who_joins(client: Client) -> None:
    words = effect(client, "rights", Group.objects.create(name="Aides").pk, rights=CLASSIC)
    assert words == "Nobody is in this group yet. Each person who joins it gets access to 2 messages."


@pytest.mark.usefixtures("three_messages")
def test_before_the_schools_of_a_group_are_saved_the_page_says_what_they_open(
    client: Client, make_user: MakeUser, schools: list[School]
) -> None:
    group = Group.objects.create(name="Aides")
    group.permissions.set(tool_permissions(CLASSIC))
    for _ in range(2):
        make_user(groups=["Aides"]).schools.set(schools[:1])
    members = effect(client, "schools", group.pk, reach="members", seen_reach="all")
    assert members == "This takes access to 1 message from 2 people."
    assert effect(client, "schools", group.pk, reach="all", seen_reach="all") == NO_CHANGE
    GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN).schools.set(schools[:1])
    both = [school.pk for school in schools]
    chosen = effect(client, "schools", group.pk, reach="chosen", schools=both, seen_reach="chosen")
    assert chosen == "This gives 2 people access to 1 message."
    wrong = client.post(reverse("web:schools_effect", args=[group.pk]), {"reach": "some", "seen_reach": "all"})
    assert wrong.status_code == 400


@pytest.mark.usefixtures("three_messages")
def test_before_a_person_gets_groups_the_page_says_what_they_open(
    client: Client, make_user: MakeUser, schools: list[School]
) -> None:
    group = Group.objects.create(name="Aides")
    group.permissions.set(tool_permissions(CLASSIC))
    GroupScope.objects.create(group=group, reach=ScopeReach.MEMBERS)
    both = {"groups": [group.pk], "schools": [school.pk for school in schools]}
    assert effect(client, "new_person", None, **both) == "This gives 1 person access to 2 messages."
    assert effect(client, "new_person", None, groups=[group.pk]) == NO_CHANGE
    person = make_user(groups=["Aides"])
    person.schools.set(schools[:1])
    assert effect(client, "person", person.pk, **both) == "This gives 1 person access to 1 message."
    assert effect(client, "person", person.pk) == "This takes access to 1 message from 1 person."
    superuser = make_user(is_superuser=True)
    assert effect(client, "person", superuser.pk, **both) == "This is a superuser, who may see everything."


@pytest.mark.usefixtures("three_messages")
def test_messages_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_effect, "COUNTED", 1)
    after = Holder.of([*CLASSIC, *V2], ALL_SCHOOLS)
    assert effect_text(Holder({}), after, people=2) == "This gives 2 people access to more than 1 messages."


@pytest.mark.usefixtures("three_messages")
@given(st.sets(st.sampled_from([cell.codename for cell in every_right()])), st.sampled_from([0, 1, 2]))
def test_what_a_holder_sees_is_what_a_person_with_these_rights_sees(rights: set[str], number: int) -> None:
    scope = [NO_SCHOOL, Scope.of(School.objects.values_list("pk", flat=True)[:1]), ALL_SCHOOLS][number]
    group = Group.objects.create(name=uuid4().hex)
    group.permissions.set(tool_permissions(rights))
    if number < 2:
        GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN).schools.set(scope.schools or ())
    person = User.objects.create_user(uuid4().hex)
    person.groups.add(group)
    for tool in access_effect.SHOWING:
        shown = SentMessage.objects.visible_to(person, tool)
        assert set(SentMessage.objects.visible_to(Holder.of(rights, scope), tool)) == set(shown)


# The name, the address, the password and the factors of a person


def test_the_name_and_the_address_of_a_person_are_changed_and_recorded(client: Client, make_user: MakeUser) -> None:
    person = make_user(username="old@example.org", email="old@example.org", first_name="Mai", last_name="Vang")
    make_user(username="taken", email="taken@example.org")
    address = reverse("web:change_details", args=[person.pk])
    form = {"first_name": "Mai", "last_name": "Xiong", "email": "New@Example.org"}
    assert "The name and the e-mail address are saved." in client.post(address, form, follow=True).text
    client.post(address, form)
    person.refresh_from_db()
    assert (person.username, person.email, person.last_name) == ("new@example.org", "new@example.org", "Xiong")
    [changed] = AuditEvent.objects.filter(action="account.changed")
    before = {"username": "old@example.org", "email": "old@example.org", "last_name": "Vang"}
    after = {"username": "new@example.org", "email": "new@example.org", "last_name": "Xiong"}
    assert changed.details == {"before": before, "after": after}
    taken = client.post(address, form | {"email": "TAKEN@example.org"}, follow=True).text
    assert "another account has this e-mail address" in taken
    assert "Last name: " in client.post(address, form | {"last_name": ""}, follow=True).text
    client.post(address, form | {"email": ""})
    person.refresh_from_db()
    assert (person.username, person.email) == ("new@example.org", "")


def test_who_may_change_rights_gets_no_way_into_the_account_of_a_superuser(
    client: Client, make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    """A new address would get the link for a new password."""
    superuser = make_user(username="root", is_superuser=True, email="root@example.org")
    form = {"first_name": "A", "last_name": "B", "email": "mine@example.org"}
    address = reverse("web:change_details", args=[superuser.pk])
    assert "Only a superuser changes it" in client.post(address, form, follow=True).text
    superuser.refresh_from_db()
    assert superuser.email == "root@example.org"
    assert events("account.changed") == []
    signed_in(superuser).post(address, form)
    superuser.refresh_from_db()
    assert superuser.email == "mine@example.org"


def test_a_superuser_sets_a_password_which_ends_what_the_person_had_open(
    client: Client, make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    root = signed_in(make_user(username="root", is_superuser=True))
    person = make_user(username="mai")
    issue_token(user=person)
    address, page = reverse("web:set_password", args=[person.pk]), reverse("web:person", args=[person.pk])
    form = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post(address, form).status_code == 403
    assert "Set a password" not in client.get(page).text
    assert "Set a password" in root.get(page).text
    assert "New password confirmation: " in root.post(address, form | {"new_password2": "x"}, follow=True).text
    assert "The password is set." in root.post(address, form, follow=True).text
    assert Client().login(username="mai", password=PASSWORD)
    assert not AuthToken.objects.filter(user=person).exists()
    assert events("account.password_set") == [("account.password_set", "mai")]
    own = User.objects.get(username="root")
    assert root.post(reverse("web:set_password", args=[own.pk]), form).status_code == 404


def test_a_superuser_removes_lost_second_factors(
    client: Client, make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    root, person = signed_in(make_user(username="root", is_superuser=True)), make_user(username="mai")
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})
    address = reverse("web:remove_factors", args=[person.pk])
    assert client.post(address).status_code == 403
    assert address in root.get(reverse("web:person", args=[person.pk])).text
    assert "The second factors are removed." in root.post(address, follow=True).text
    assert not Authenticator.objects.filter(user=person).exists()
    assert "had no second factor" in root.post(address, follow=True).text


def test_people_and_rights_lead_to_each_other(client: Client) -> None:
    group = Group.objects.get(name="Principals")
    pages = {"people": [], "user_groups": [], "service_accounts": [], "group_people": [group.pk]}
    for name, arguments in pages.items():
        text = client.get(reverse(f"web:{name}", args=arguments)).text
        assert f'href="{reverse("web:user_groups")}"' in text
        if not arguments:
            assert f'href="{reverse("web:people")}"' in text
    text = client.get(reverse("web:user_group", args=[group.pk])).text
    assert f'href="{reverse("web:group_people", args=[group.pk])}"' in text
    assert text.count('class="sticky-save"') == 2
    assert "<strong>See</strong>" in text
    assert "<strong>Change</strong>" in text
