"""What browsers and caches are told about each kind of answer."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

Ask = Callable[[Client], HttpResponseBase]
# An answer of a view, and of each middleware that may answer instead of one.
ANSWERS: dict[str, Ask] = {
    "a page": lambda client: client.get("/accounts/login/"),
    "a redirect to sign in": lambda client: client.get("/"),
    "a redirect to HTTPS": lambda client: client.get("/accounts/login/", headers={"x-forwarded-proto": "http"}),
    "a redirect to the address with a slash": lambda client: client.get("/accounts/login"),
    "a refused host": lambda client: client.get("/", headers={"host": "evil.example"}),
    "a form without its token": lambda client: client.post("/accounts/login/", {"login": "x"}),
    "nothing there": lambda client: client.get("/nothing/"),
    "a program without a token": lambda client: client.get("/api/v1/messages/"),
}


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 1
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["testserver"]
    return Client(enforce_csrf_checks=True, headers={"x-forwarded-proto": "https"}, raise_request_exception=False)


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_stays_out_of_caches(client: Client, ask: Ask) -> None:
    assert {"private", "no-store"} <= set(ask(client).headers["Cache-Control"].split(", "))


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_forbids_what_no_page_needs(client: Client, ask: Ask) -> None:
    headers = ask(client).headers

    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(headers["Permissions-Policy"].split(", "))


def test_static_files_may_be_kept_but_not_used_by_other_sites(client: Client, settings: Settings) -> None:
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    headers = client.get("/static/theme.css").headers

    assert "public" in headers["Cache-Control"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.slow
def test_browsers_remember_https_for_a_year() -> None:
    show = "from django.conf import settings; print(settings.SECURE_HSTS_SECONDS)"
    environment = os.environ | {"HTTPS": "true"}
    said = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True)

    assert int(said.stdout) >= 365 * 24 * 3600
