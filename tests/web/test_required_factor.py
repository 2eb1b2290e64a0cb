"""Without the second factor that a group requires, a person reaches nothing; and what asks for it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from knox.models import AuthToken

from accounts.models import AuditEvent, GroupPolicy, User
from accounts.services import issue_token, require_second_factor
from accounts.tools import Right, Tool, every_right
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from reports.models import ReportJob
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.factors import (
    code_of,
    give_app,
    give_recovery_codes,
    require_factor,
    signed_in_with,
    wrong_code,
)
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.stored import path_of
from tests.web.addresses import patterns

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/tokens/"
SET_UP = "/accounts/second-factor/"
# All that is reached without it. Each other address, and each new one, has to be refused.
REACHED = {
    "account_help",
    "account_logout",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_download_recovery_codes",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_view_recovery_codes",
    "web:language",
}
# Their argument stands in an included part of the address.
OF_A_KEY = {"mfa_edit_webauthn", "mfa_remove_webauthn"}
SAMPLES = {"mode": "email", "app_label": "accounts", "url": "x", "key": "x", "secret": "x"}


def addresses() -> Iterator[tuple[str, str]]:
    """Yield the name and a sample of each address of the product, the admin site included."""
    for name, pattern in patterns():
        if pattern.name:
            arguments = [*pattern.pattern.regex.groupindex, *(["pk"] if name in OF_A_KEY else [])]
            yield name, reverse(name, kwargs={key: SAMPLES.get(key, "1") for key in arguments})


def refused(response: HttpResponse) -> bool:
    """Whether the answer leads to the second factor or, to a program, says that it is missing."""
    if response.status_code == 403:
        return "requires a second factor" in response.json()["detail"]
    return response.status_code == 302 and response["Location"].startswith((SET_UP, "/accounts/reauthenticate/"))


@pytest.fixture
def strict(make_user) -> User:
    """A person with every right, in a group that requires a second factor."""
    user: User = make_user(*every_right(), username="strict", is_staff=True, is_superuser=True)
    require_factor(user)
    return user


# The dimension of the matrix: required factor missing


@pytest.mark.slow
@pytest.mark.parametrize(("method", "has_one"), [("get", False), ("post", False), ("get", True)])
def test_no_address_is_reached_without_it(signed_in, strict, method, has_one):
    if has_one:
        give_app(strict)  # but this session has not shown it
    client = signed_in(strict)
    named = sorted(addresses(), key=lambda named: named[0] == "account_logout")  # nobody is signed in after that
    assert len(named) > 100
    reached = {name for name, address in named if not refused(getattr(client, method)(address))}
    # Who has a factor is asked for it before these show anything, and so are all who signed in some time ago.
    asking = {"mfa_activate_totp", "mfa_add_webauthn"}
    assert reached - REACHED == set()
    assert REACHED - reached - asking <= {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}


def test_a_fragment_leaves_for_the_page_of_the_factor(signed_in, strict):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/my-reports/"}
    response = signed_in(strict).get("/my-reports/", headers=headers)
    assert response["HX-Redirect"] == f"{SET_UP}?next=/my-reports/"


def operations() -> Iterator[tuple[str, str]]:
    """Yield the method and a sample of the address of each operation of the API schema."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        yield from ((method, re.sub(r"{\w+}", "1", path)) for method in methods)


def call(method: str, address: str, token: str, body: object = None) -> HttpResponse:
    headers = {"Authorization": f"Token {token}"}
    content = json.dumps(body or {})
    return Client().generic(method.upper(), address, content, content_type="application/json", headers=headers)


@pytest.mark.slow
def test_no_operation_of_the_api_is_reached_without_it(strict):
    plain = issue_token(user=strict)[0]
    with_factor = issue_token(user=strict, with_factor=True)[0]  # of a person who has none any more
    tried = [(method, path) for method, path in operations() if (method, path) != ("post", TOKENS)]
    assert len(tried) > 20
    for method, path in tried:
        response = call(method, path, plain)
        assert response.status_code == 403, (method, path)
        assert refused(response), (method, path)
    assert refused(call("get", "/api/v1/messages/", with_factor))
    event = AuditEvent.objects.filter(action="second_factor.missing").latest("pk")
    assert (event.who, event.details["answer"]) == ("strict", 403)


def test_with_it_the_api_answers_and_a_token_without_it_does_not(strict):
    give_app(strict)
    assert call("get", "/api/v1/mailgun-domains/", issue_token(user=strict, with_factor=True)[0]).status_code == 200
    assert call("get", "/api/v1/mailgun-domains/", issue_token(user=strict)[0]).status_code == 403


# Tokens


def token_for(username: str, **more: str) -> HttpResponse:
    body = json.dumps({"username": username, "password": PASSWORD} | more)
    return Client().post(TOKENS, body, content_type="application/json")


def test_a_person_with_a_factor_gets_a_token_for_password_and_code_alone(make_user):
    user = make_user(Tool.MAILGUN_SYNC, username="dexter")
    secret = give_app(user)
    for more in ({}, {"code": ""}, {"code": wrong_code(secret)}):
        assert token_for("dexter", **more).status_code == 401
    assert not AuthToken.objects.exists()
    response = token_for("dexter", code=code_of(secret))
    assert response.status_code == 201
    require_factor(user)
    assert call("get", "/api/v1/mailgun-domains/", response.json()["token"]).status_code == 200


def test_a_recovery_code_does_as_well_and_is_used_up(make_user):
    user = make_user(username="dexter")
    give_app(user)
    code = give_recovery_codes(user)[0]
    assert [token_for("dexter", code=code).status_code for _ in range(2)] == [201, 401]


def test_who_has_to_set_one_up_first_gets_no_token_and_reads_why(make_user):
    require_factor(make_user(username="dexter"))
    response = token_for("dexter")
    assert response.status_code == 403
    assert "Sign in on the website to set one up" in response.json()["detail"]
    assert AuditEvent.objects.filter(action="second_factor.missing", who="dexter").exists()


@pytest.mark.slow
def test_guessing_codes_has_the_limit_of_the_sign_in_page(make_user):
    secret = give_app(make_user(username="dexter"))
    answers = [token_for("dexter", code=wrong_code(secret)).json()["detail"] for _ in range(6)]
    assert answers[-1].startswith("Sign-in is locked")
    assert token_for("dexter", code=code_of(secret)).status_code == 401


# Asked again


@pytest.fixture
def later(time_machine):
    """Let so many minutes pass."""
    return lambda minutes: time_machine.move_to(timezone.now() + timedelta(minutes=minutes))


@pytest.fixture
def admin(make_user) -> tuple[Client, str]:
    """An administrator who has just signed in with the factor that the group requires, and the app's secret."""
    make_user(groups=["System Administrators"])
    user = make_user(*every_right(), username="admin", is_staff=True, is_superuser=True)
    require_factor(user)
    secret = give_app(user)
    return signed_in_with(user, secret), secret


def asked(response: HttpResponse) -> bool:
    return response.status_code == 302 and "/reauthenticate/?next=" in response["Location"]


def test_a_change_of_rights_asks_again_after_a_quarter_of_an_hour_and_then_goes_on(admin, later):
    client, secret = admin
    group = Group.objects.get(name="Counselors")
    address = reverse("web:rename_group", args=[group.pk])
    assert client.post(address, {"name": "Aides"}).status_code == 302
    later(14)
    assert not asked(client.post(address, {"name": "Helpers"}))
    later(2)
    response = client.post(address, {"name": "Nurses"})
    assert asked(response)
    group.refresh_from_db()
    assert group.name == "Helpers"
    done = client.post(response["Location"], {"code": code_of(secret), "next": address})
    assert done["Location"] == reverse("web:user_group", args=[group.pk])
    group.refresh_from_db()
    assert group.name == "Nurses", "what was posted is not lost"


@pytest.mark.slow
def test_what_asks_again_and_what_never_does(admin, later):
    client, _ = admin
    user = User.objects.get(username="admin")
    message = make_message(sender=user, status="waiting", scheduled_at=timezone.now() + timedelta(days=1))
    make_delivery(make_recipient(message), status="waiting")
    group = Group.objects.get(name="Counselors")
    later(16)
    for name in ("change_rights", "add_member", "remove_member", "delete_group", "require_second_factor"):
        assert asked(client.post(reverse(f"web:{name}", args=[group.pk]))), name
    assert asked(client.post(f"/admin/accounts/user/{user.pk}/change/"))
    assert asked(client.post(f"/admin/accounts/user/{user.pk}/password/"))
    assert not asked(client.get(reverse("web:user_group", args=[group.pk])))
    assert not asked(client.post(reverse("web:admin_sent_message_log_message_cancel", args=[message.pk])))
    message.refresh_from_db()
    assert message.status.startswith("canceled"), "a cancel is urgent and harms nobody"


def test_an_address_is_allowed_again_after_the_factor(admin, later):
    client, _ = admin
    later(16)
    # The factor comes before the look for the contact, so there needs to be none.
    assert asked(client.post(reverse("web:admin_contacts_to_fix_contact_allow", args=[1])))


@pytest.mark.parametrize(("most", "again"), [(2, True), (3, False)])
def test_a_file_of_many_rows_asks_again(admin, later, settings, most, again):
    settings.FACTOR_AGAIN_ROWS = most
    client, _ = admin
    for number in range(3):
        make_message(sender_name=f"Sender {number}")
    address = f"{reverse('web:admin_sent_message_log')}?export=csv"
    assert client.get(address).status_code == 200, "the factor was just shown"
    later(16)
    assert asked(client.get(address)) == again


@pytest.fixture
def three_rows() -> SentMessage:
    """A message whose report has three rows."""
    message = make_message(modes=["email"])
    for _ in range(3):
        make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    return message


@pytest.mark.slow
@pytest.mark.parametrize(("most", "again"), [(2, True), (3, False)])
def test_a_report_of_many_rows_asks_again_and_its_page_of_choices_does_not(
    admin, later, settings, three_rows, most, again
):
    settings.FACTOR_AGAIN_ROWS = most
    client, secret = admin
    address = reverse("web:admin_sent_message_log_message_report", args=[three_rows.pk])
    choices = f"{address}?devices=email&detail=all&format=csv&rows_only=on"
    assert client.get(choices).status_code == 200, "the factor was just shown"
    later(16)
    assert client.get(address).status_code == 200
    response = client.get(choices)
    assert asked(response) == again
    if again:
        assert AuditEvent.objects.filter(action="report.sent_message").count() == 1
        way = client.post(response["Location"], {"code": code_of(secret), "next": choices})["Location"]
        assert client.get(way).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(("most", "again"), [(2, True), (3, False)])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_kept_file_of_many_rows_asks_again_whoever_made_it(
    admin, later, settings, tmp_path, make_user, three_rows, most, again, is_own
):
    settings.FACTOR_AGAIN_ROWS, settings.REPORT_FOLDER = most, tmp_path
    client, _ = admin
    options = {"tool": "ADMIN_SENT_MESSAGE_LOG", "message": three_rows.pk, "devices": ["email"], "detail": "all"}
    times = {"asked_at": timezone.now(), "expires_at": timezone.now() + timedelta(days=1)}
    owner = User.objects.get(username="admin") if is_own else make_user(*every_right())
    done = {"status": "done", "rows_done": 3, "rows_total": 3, "claim": uuid4()}
    job = ReportJob.objects.create(owner=owner, kind="sent-message", options=options, format="csv", **times, **done)
    path_of(job).write_text("rows")
    page, file = (reverse(f"web:report_{name}", args=[job.pk]) for name in ("job", "file"))
    assert client.get(file).status_code == 200, "the factor was just shown"
    later(16)
    assert client.get(page).status_code == 200
    response = client.get(file)
    assert asked(response) == again
    assert AuditEvent.objects.filter(action="report.downloaded").count() == (1 if again else 2)


@pytest.mark.slow
def test_a_program_needs_a_new_token_for_what_asks_again(admin, later):
    _, secret = admin
    token = token_for("admin", code=code_of(secret, later=30)).json()["token"]
    allow = "/api/v1/contacts/1/allow-again/"
    assert call("post", allow, token).status_code == 404
    later(16)
    response = call("post", allow, token)
    assert response.status_code == 403
    assert "good for this for 15 minutes" in response.json()["detail"]


def test_where_no_group_requires_one_nothing_asks(make_user, signed_in, settings, later):
    settings.FACTOR_AGAIN_ROWS = 0
    make_user(groups=["System Administrators"])
    user = make_user(*every_right(), username="admin")
    give_app(user)
    client = signed_in(user)
    later(30)
    group = Group.objects.get(name="Counselors")
    make_message()
    assert not asked(client.post(reverse("web:rename_group", args=[group.pk]), {"name": "Aides"}))
    assert client.get(f"{reverse('web:admin_sent_message_log')}?export=csv").status_code == 200


# The group that requires it, and the advice


@pytest.mark.slow
def test_the_page_of_a_group_says_who_has_one_and_requires_it(make_user, signed_in):
    admin = make_user((Tool.USER_GROUPS, Right.WRITE), Tool.USER_GROUPS, username="admin")
    group = Group.objects.get(name="Counselors")
    give_app(make_user(groups=["Counselors"]))
    make_user(groups=["Counselors"])
    client, address = signed_in(admin), reverse("web:user_group", args=[group.pk])
    shown = client.get(address)
    assert shown.context["factors"] == {"people": 2, "ready": 1}
    assert "requires no second factor" in shown.text
    response = client.post(reverse("web:require_second_factor", args=[group.pk]), {"required": "yes"}, follow=True)
    assert "Counselors now requires a second factor." in response.text
    event = AuditEvent.objects.get(action="user_group.policy_changed")
    assert (event.who, event.target) == ("admin", "Counselors")
    assert event.details == {"second_factor": {"before": False, "after": True}}
    client.post(reverse("web:require_second_factor", args=[group.pk]))
    assert not GroupPolicy.objects.get(group=group).second_factor


ADVICE = "Recommended: a second factor"


def test_home_recommends_a_factor_to_who_may_require_one_until_somebody_does(make_user, signed_in):
    admins = [make_user((Tool.USER_GROUPS, Right.WRITE)) for _ in range(2)]
    first, second = map(signed_in, admins)
    assert ADVICE in first.get("/").text
    assert ADVICE not in signed_in(make_user(Tool.USER_GROUPS)).get("/").text
    first.post(reverse("web:hide_sign_in_advice"))
    assert ADVICE not in first.get("/").text
    assert ADVICE in second.get("/").text
    require_second_factor(by=admins[0], group_id=Group.objects.get(name="Counselors").pk, required=True)
    assert ADVICE not in second.get("/").text
