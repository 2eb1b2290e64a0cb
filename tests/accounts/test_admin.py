import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, Permission

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

USERS = "/admin/accounts/user/"


@pytest.fixture
def root(make_user):
    return make_user(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def client(root, signed_in):
    return signed_in(root)


def form_of(user, **changes):
    fields = {
        "username": user.username,
        "last_name": user.last_name,
        "first_name": user.first_name,
        "email": user.email,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "groups": list(user.groups.values_list("pk", flat=True)),
    } | changes
    return {name: value for name, value in fields.items() if value is not False}


def events():
    return list(AuditEvent.objects.filter(action__startswith="account.").order_by("id"))


def test_a_superuser_makes_an_account(client):
    fields = {"username": "dexter", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    client.post(f"{USERS}add/", fields)
    assert User.objects.get(username="dexter").check_password(PASSWORD)
    [event] = events()
    assert (event.action, event.who, event.target) == ("account.created", "root", "dexter")
    assert PASSWORD not in str(event.details)


@pytest.mark.slow
def test_a_superuser_closes_an_account_and_it_is_recorded(client, make_user):
    user = make_user(username="dexter")
    counselors = Group.objects.get(name="Counselors")
    client.post(f"{USERS}{user.pk}/change/", form_of(user, is_active=False, groups=[counselors.pk]))
    assert not User.objects.get(pk=user.pk).is_active
    [event] = events()
    assert event.details == {
        "before": {"is_active": True, "groups": []},
        "after": {"is_active": False, "groups": ["Counselors"]},
    }


def test_the_last_administrator_cannot_be_closed(client, root):
    response = client.post(f"{USERS}{root.pk}/change/", form_of(root, is_active=False), follow=True)
    assert "afterwards nobody could change rights any more" in response.text
    assert User.objects.get(pk=root.pk).is_active
    assert events() == []


def test_a_password_is_set_and_it_is_recorded(client, make_user):
    user = make_user(username="dexter")
    fields = {"password1": "another passphrase", "password2": "another passphrase", "usable_password": "true"}
    client.post(f"{USERS}{user.pk}/password/", fields | {"set-password": "1"})
    assert User.objects.get(pk=user.pk).check_password("another passphrase")
    [event] = events()
    assert (event.action, event.target) == ("account.password_set", "dexter")


def test_an_account_is_never_deleted(client, make_user):
    user = make_user()
    assert client.get(f"{USERS}{user.pk}/delete/").status_code == 403
    client.post(USERS, {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"})
    assert User.objects.filter(pk=user.pk).exists()


@pytest.mark.parametrize("name", ["DEXTER", "dexter"])
def test_two_accounts_do_not_differ_by_the_case_of_letters_alone(client, make_user, name):
    make_user(username="Dexter", email="dexter@example.org")
    fields = {"username": name, "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert "A user with that username already exists." in client.post(f"{USERS}add/", fields).text
    other = make_user(username="other")
    response = client.post(f"{USERS}{other.pk}/change/", form_of(other, email="DEXTER@example.org"))
    assert "Another account has this e-mail address." in response.text


def test_staff_without_being_superusers_may_do_nothing_here(make_user, signed_in):
    staff = make_user(*[(tool, right) for tool in Tool for right in tool.rights], is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    client = signed_in(staff)
    for path in (USERS, f"{USERS}add/", f"{USERS}{staff.pk}/change/"):
        assert client.get(path).status_code == 403


def test_others_read_in_words_that_the_admin_site_is_not_for_them(make_user, signed_in):
    client = signed_in(make_user((Tool.USER_GROUPS, Right.WRITE)))
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "You may not do this" in response.text


def test_groups_and_allauths_addresses_are_not_in_the_admin_site():
    assert [
        model._meta.label for model in site._registry if model._meta.app_label in ("account", "accounts", "auth")
    ] == ["accounts.User"]
