"""In which language a page, an answer of the API, an error and a mail are, and how a person chooses it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.services import issue_token, record_audit_event
from accounts.tasks import send_reset_link
from accounts.tools import Right, Tool, ToolAndRight, right_names
from core.languages import english, in_language, in_language_of, in_language_of_district, language_now

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
SignedIn = Callable[[User], Client]

LOGIN = "/accounts/login/"
SPANISH, ENGLISH = {"Accept-Language": "es-MX,es;q=0.9"}, {"Accept-Language": "en-US"}


@pytest.fixture(autouse=True)
def languages_of_the_product(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


def choose(client: Client, language: str, *, way: str = "/") -> HttpResponse:
    return client.post(reverse("web:language"), {"language": language, "next": way})


def language_of(response: HttpResponse) -> str:
    """The language of a page. Its header and its text have to be the same."""
    code = response.headers["Content-Language"]
    assert f'<html lang="{code}">' in response.text
    return code


# The language of a browser


@pytest.mark.parametrize(
    ("asked", "code"), [("es-MX,es;q=0.9", "es"), ("en-US", "en"), ("fr", "en"), ("fr,es;q=0.5", "es"), ("", "en")]
)
def test_a_visitor_reads_the_language_that_the_browser_asks_for(client: Client, asked: str, code: str) -> None:
    response = client.get(LOGIN, headers={"Accept-Language": asked})

    assert language_of(response) == code
    assert ("Iniciar sesión" in response.text) is (code == "es")
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in response.headers["Vary"].split(",")}


def test_without_a_wish_it_is_the_language_of_the_district(client: Client, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "es"
    assert language_of(client.get(LOGIN)) == "es"
    assert language_of(client.get(LOGIN, headers=ENGLISH)) == "en"


def test_a_visitor_chooses_a_language_before_signing_in(client: Client) -> None:
    assert 'value="es" lang="es"' in client.get(LOGIN).text

    response = choose(client, "es", way=LOGIN)

    assert (response.status_code, response.headers["Location"]) == (302, LOGIN)
    assert response.cookies["language"]["httponly"]
    assert language_of(client.get(LOGIN, headers=ENGLISH)) == "es"
    assert language_of(Client().get(LOGIN)) == "en"


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example/", "javascript:x", ""])
def test_a_choice_leads_to_no_other_site(client: Client, way: str) -> None:
    assert choose(client, "es", way=way).headers["Location"] == "/"


@pytest.mark.parametrize("language", ["fr", "", "es'", "EN"])
def test_there_are_no_other_languages(client: Client, language: str) -> None:
    assert choose(client, language).status_code == 400
    assert "language" not in client.cookies


# The language of a person


def test_the_choice_of_a_person_holds_in_each_browser_and_for_nobody_else(
    make_user: MakeUser, signed_in: SignedIn
) -> None:
    user, other = make_user(), make_user()
    client = signed_in(user)
    assert language_of(client.get("/", headers=SPANISH)) == "es"

    choose(client, "es")

    assert language_of(client.get("/", headers=ENGLISH)) == "es"
    assert language_of(signed_in(user).get("/")) == "es"
    assert language_of(signed_in(other).get("/")) == "en"
    # The next person at this computer.
    client.logout()
    assert language_of(client.get(LOGIN)) == "en"


def test_the_choice_of_a_person_counts_more_than_that_of_the_browser(make_user: MakeUser, signed_in: SignedIn) -> None:
    client = signed_in(make_user(language="en"))
    client.cookies["language"] = "es"

    assert language_of(client.get("/", headers=SPANISH)) == "en"


def test_a_language_that_is_not_offered_any_more_counts_as_no_choice(make_user: MakeUser, signed_in: SignedIn) -> None:
    assert language_of(signed_in(make_user(language="fr")).get("/", headers=SPANISH)) == "es"


def test_the_language_ends_with_the_answer(client: Client) -> None:
    client.get(LOGIN, headers=SPANISH)
    assert language_now() == "en"


# Errors and programs


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/nothing/", "Aquí no hay nada"),
        ("/language/", "Esto no es una página"),
        ("/messenger-administration/system-health/", "No puede hacer esto"),
    ],
)
def test_errors_are_in_the_language_of_the_page(
    make_user: MakeUser, signed_in: SignedIn, address: str, words: str
) -> None:
    response = signed_in(make_user(language="es")).get(address)

    assert response.status_code in (403, 404, 405)
    assert language_of(response) == "es"
    assert words in response.text


def test_a_form_without_its_token_is_refused_in_the_language_of_the_browser() -> None:
    response = Client(enforce_csrf_checks=True).post(LOGIN, headers=SPANISH)

    assert (response.status_code, language_of(response)) == (403, "es")


def test_the_api_speaks_english_to_everybody(make_user: MakeUser) -> None:
    user = make_user(language="es")
    headers = SPANISH | {"Authorization": f"Token {issue_token(user=user)[0]}"}

    response = Client(headers=headers).get("/api/v1/messages/")

    assert response.headers["Content-Language"] == "en"
    assert response.json()["detail"].startswith("This needs the tool right Messenger > ")


# What is made for people, and what is kept


def test_a_mail_is_in_the_language_of_its_reader(
    make_user: MakeUser, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    address = "https://logs.example/accounts/password/reset/key/UID-KEY/"
    for language in ("es", "en", ""):
        make_user(email=f"reader{language}@example.org", language=language)
        with in_language("es"):
            send_reset_link(email=f"reader{language}@example.org", address=address)

    subjects = [mail.subject for mail in mailoutbox]
    assert subjects == ["Restablezca su contraseña de Messenger Logs", *["Reset your Messenger Logs password"] * 2]


def test_the_audit_trail_is_in_english() -> None:
    right = ToolAndRight(Tool.USER_GROUPS, Right.WRITE)
    with in_language("es"):
        assert str(right.name) == "Administración del sistema > Grupos de usuarios y permisos: Cambiar"
        names = right_names([right.codename])
        record_audit_event(by=None, action="x", target=Tool.USER_GROUPS.path, details={"rights": names})

    event = AuditEvent.objects.latest("pk")
    assert event.target == "System Administration > User Groups and Tool Rights"
    assert event.details == {"rights": ["System Administration > User Groups and Tool Rights: Change"]}


def test_each_part_of_a_job_can_have_a_language_of_its_own(settings: Settings) -> None:
    reader = SimpleNamespace(language="es")
    with in_language_of(reader):
        assert language_now() == "es"
        assert english(translation.gettext_lazy("Sign in")) == "Sign in"
        with in_language_of_district():
            assert language_now() == "en"
        reader.language = "gone"
        with in_language_of(reader):
            assert language_now() == "en"
        assert translation.gettext("Sign in") == "Iniciar sesión"
    assert language_now() == "en"


def test_dates_and_numbers_have_the_forms_of_the_united_states_in_each_language() -> None:
    moment = timezone.now().replace(year=2026, month=11, day=20)
    with in_language("es"):
        assert date_format(moment, "SHORT_DATE_FORMAT") == "11/20/2026"
        assert number_format(12_304.5, decimal_pos=1) == "12,304.5"
