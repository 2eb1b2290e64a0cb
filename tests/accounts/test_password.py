import re
from datetime import timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.validators import NotMadeOfNamesValidator
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
CHANGE = "/accounts/password/change/"
NEW = "a quite different passphrase"


def ask_for_link(client, email):
    response = client.post(RESET, {"email": email})
    assert (response.status_code, response["Location"]) == (302, "/accounts/password/reset/done/")
    assert b"If an account has this e-mail address" in client.get(response["Location"]).content


def link_in_mail():
    [link] = re.findall(r"http://testserver(/\S+)", mail.outbox[-1].body)
    return link


@pytest.mark.slow
def test_a_forgotten_password_is_reset_by_mail(client, make_user, worker):
    user = make_user(username="dexter", email="Dexter@example.org")
    ask_for_link(client, "dexter@EXAMPLE.org")
    [message] = mail.outbox
    assert message.to == ["dexter@example.org"]
    assert message.subject == "Reset your Messenger Logs password"
    form_page = client.get(link_in_mail(), follow=True)
    assert "set-password" in form_page.redirect_chain[-1][0], "the secret leaves the address"
    response = client.post(form_page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW}, follow=True)
    assert b"Sign in with your new password" in response.content
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert AuditEvent.objects.filter(action="password.reset", who=user.listed_name).exists()


def test_a_link_works_once(client, make_user, worker):
    make_user(email="dexter@example.org")
    ask_for_link(client, "dexter@example.org")
    link = link_in_mail()
    address = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": NEW, "password2": NEW})
    assert b"This link does not work any more" in client.get(link, follow=True).content


def test_a_link_ends_after_two_hours(client, make_user, worker, time_machine):
    make_user(email="dexter@example.org")
    ask_for_link(client, "dexter@example.org")
    time_machine.move_to(timezone.now() + timedelta(hours=2, minutes=1))
    assert b"This link does not work any more" in client.get(link_in_mail(), follow=True).content


@pytest.mark.parametrize("email", ["nobody@example.org", "gone@example.org"])
def test_an_address_without_an_account_hears_the_same_and_gets_nothing(client, make_user, worker, email):
    make_user(email="gone@example.org", is_active=False)
    ask_for_link(client, email)
    assert mail.outbox == []


def test_an_address_that_was_changed_works_no_more(client, make_user, worker):
    user = make_user(email="old@example.org")
    ask_for_link(client, "old@example.org")
    user.email = "new@example.org"
    user.save()
    assert b"This link does not work any more" in client.get(link_in_mail(), follow=True).content
    mail.outbox.clear()
    ask_for_link(client, "old@example.org")
    assert mail.outbox == []
    client.post("/accounts/login/", {"login": "old@example.org", "password": PASSWORD})
    assert client.get("/").status_code == 302


def test_the_page_says_when_no_mail_can_be_sent(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    content = client.get(RESET).content
    assert b"cannot send e-mail here" in content
    assert b'name="email"' not in content


@pytest.mark.parametrize(
    "path",
    ["0-x", "zzzzzzzzzzzz-x", "zzzzzzzzzzzzz-x", "9" * 10_000 + "-x", "1-" + "x" * 10_000, "1-a%00b", "1-set-password"],
)
def test_odd_links_get_words(client, path):
    response = client.get(f"/accounts/password/reset/key/{path}/")
    assert response.status_code == 200
    assert b"This link does not work any more" in response.content


@pytest.mark.parametrize("email", ["", "x", "a\0@example.org", "x" * 10_000 + "@example.org"])
def test_odd_addresses_get_words(client, email):
    response = client.post(RESET, {"email": email})
    assert response.status_code == 200
    assert response.context["form"].errors["email"]


def test_too_many_links_are_refused_in_words(client, make_user, worker):
    make_user(email="dexter@example.org")
    for _ in range(5):
        ask_for_link(client, "dexter@example.org")
    response = client.post(RESET, {"email": "dexter@example.org"})
    assert response.status_code == 429
    assert b"Too many requests" in response.content
    assert len(mail.outbox) == 5


def test_the_password_is_changed_by_who_knows_it(client, make_user):
    user = make_user(username="dexter")
    client.force_login(user)
    wrong = client.post(CHANGE, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert wrong.context["form"].errors["oldpassword"] == ["This is not your current password."]
    response = client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}, follow=True)
    assert b"Your password is changed." in response.content
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert AuditEvent.objects.filter(action="password.changed", who="dexter").exists()
    assert client.get("/").status_code == 200, "still signed in here"


def test_a_changed_password_ends_the_other_sessions(client, make_user, signed_in):
    user = make_user()
    other = signed_in(user)
    client.force_login(user)
    client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert other.get("/").status_code == 302


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("elevenchars", "too short"),
        ("123456789012", "entirely numeric"),
        ("1q2w3e4r5t6y", "too common"),
        ("matthews.dexter", "too similar"),
        ("nul\0in the middle", "Null characters"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(client, make_user, password, reason):
    client.force_login(make_user(username="matthews.dexter"))
    response = client.post(CHANGE, {"oldpassword": PASSWORD, "password1": password, "password2": password})
    assert reason in " ".join(response.context["form"].errors["password1"])
    assert not User.objects.get().check_password(password)


# What a password may not be

PERSON = {"username": "dmatthews", "first_name": "Dexter", "last_name": "Matthews", "email": "dexter.m@example.org"}


@pytest.mark.parametrize(
    "password",
    [
        "dmatthewsdmatthews",
        "DMatthews-DMatthews!",
        "dmatthews2026",
        "DexterMatthews1",
        "Matthews, Dexter 7",
        "dexter.m@example.org",
        "swehttamdswehttamd",
        "x1dmatthewsdmatthews",
    ],
)
def test_a_password_that_repeats_the_names_of_its_person_is_refused(password):
    with pytest.raises(ValidationError) as refused:
        validate_password(password, User(**PERSON))
    assert "password_of_names" in [error.code for error in refused.value.error_list]


@pytest.mark.parametrize("password", [PASSWORD, NEW, "dexterity of a walrus", "Matthews likes strawberries"])
def test_a_name_inside_a_long_password_is_no_harm(password):
    validate_password(password, User(**PERSON))
    validate_password(password)


@pytest.mark.slow
@given(
    name=st.text("abcdefghij._-", min_size=3, max_size=20), times=st.integers(1, 9), rest=st.text("0123!", max_size=7)
)
def test_no_number_of_repetitions_makes_a_name_a_password(name, times, rest):
    with pytest.raises(ValidationError):
        NotMadeOfNamesValidator().validate(name * times + rest, User(username=name))


@given(st.text("klmnopqrstuvwxyz", min_size=12))
def test_a_password_without_any_name_is_not_refused(password):
    NotMadeOfNamesValidator().validate(password, User(username="abc.def"))
