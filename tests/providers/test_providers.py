"""The addresses, settings and codes of the providers."""

from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings

from messenger_logs.choices import Mode
from messenger_logs.statuses import CODES
from providers import mailgun, voxology
from providers.http import NotSetUpError, Reply


@pytest.mark.parametrize(
    ("region", "base", "address"),
    [
        ("us", "", "https://api.mailgun.net"),
        ("eu", "", "https://api.eu.mailgun.net"),
        ("eu", "http://127.0.0.1:1/", "http://127.0.0.1:1"),
        ("mars", "http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_the_region_names_mailgun_unless_a_base_does(settings: Settings, region: str, base: str, address: str) -> None:
    settings.MAILGUN_API_KEY, settings.MAILGUN_API_BASE, settings.MAILGUN_REGION = "key", base, region
    assert (mailgun.api().base, mailgun.api().auth) == (address, ("api", "key"))


def test_settings_that_are_missing_are_told_in_words(settings: Settings) -> None:
    settings.MAILGUN_API_KEY, settings.MAILGUN_API_BASE, settings.MAILGUN_REGION = "", "", "mars"
    settings.VOXOLOGY_API_KEY = ""
    with pytest.raises(NotSetUpError, match="MAILGUN_API_KEY"):
        mailgun.api()
    settings.MAILGUN_API_KEY = "key"
    with pytest.raises(NotSetUpError, match="'mars'; it must be us or eu"):
        mailgun.api()
    with pytest.raises(NotSetUpError, match="VOXOLOGY_API_KEY"):
        voxology.api()


def test_events_are_asked_for_in_full_pages_and_in_order() -> None:
    address = urlsplit(mailgun.events_path("mg.harrison.example", begin=1, end=2))
    assert address.path == "/v3/mg.harrison.example/events"
    assert parse_qs(address.query) == {"ascending": ["yes"], "limit": ["300"], "begin": ["1"], "end": ["2"]}
    assert "limit=1&" in mailgun.events_path("x", limit=1, begin=1)


@pytest.mark.parametrize(
    ("status", "raw", "words"),
    [
        (401, "", "Mailgun did not accept the API key (401)."),
        (400, '{"message": "begin is wrong"}', "Mailgun answered with status 400. It said: begin is wrong"),
        (400, '{"message": 7}', "Mailgun answered with status 400."),
        (500, "<html>", "Mailgun answered with status 500."),
    ],
)
def test_a_refusal_says_what_mailgun_said(status: int, raw: str, words: str) -> None:
    assert mailgun.events_error(Reply(status, raw)) == words


def test_voxology_is_where_it_is_documented_unless_the_settings_know_better(settings: Settings) -> None:
    settings.VOXOLOGY_API_KEY, settings.VOXOLOGY_API_BASE = "key", ""
    assert voxology.api().base == "https://api.voxolo.gy/v1"
    assert voxology.path("call_log", "a/b@c") == "/History/Logs/Calls/a%2Fb@c"
    settings.VOXOLOGY_API_BASE = "http://127.0.0.1:1/v1"
    settings.VOXOLOGY_PATHS = settings.VOXOLOGY_PATHS | {"text": "/Texts"}
    assert (voxology.api().base, voxology.path("text"), voxology.path("dial")) == (
        "http://127.0.0.1:1/v1",
        "/Texts",
        "/Dials/Connect",
    )


def test_every_word_of_voxology_has_a_code_of_the_ledger() -> None:
    calls = {*voxology.CALLS.values(), *voxology.DETECTIONS.values(), voxology.UNKNOWN, voxology.CALL_ERROR}
    assert all(Mode.VOICE in CODES[code].modes for code in calls | {voxology.SUBSYSTEM_ERROR})
    assert all(Mode.TEXT in CODES[code].modes for code in voxology.TEXTS.values())
