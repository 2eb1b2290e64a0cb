"""Words of reports, read back; and cells of our own CSV, as they were before they were made safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.languages import english
from imports.sources.report_header import body_of
from imports.sources.reported_devices import printed_number
from imports.values import UnknownWord, mode_of_device, own_cell, read_status
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.services.addresses import phone_number
from messenger_logs.status_labels import detail_text, device_text
from messenger_logs.statuses import CODES, STATUSES
from reports.writers.csv import safe

EVERY = [(mode, status) for mode in Mode for status in STATUSES[mode]]


@pytest.mark.parametrize(("mode", "status"), EVERY, ids=str)
def test_every_status_is_read_back_with_every_detail_and_code(mode, status):
    word = english(status.label)
    for code in [None, 77, *(number for number, code in CODES.items() if mode in code.modes)]:
        for detail in ("", "Voicemail detected", "a (b), c"):
            cell = detail_text(mode, detail, code)
            both = f"{word} ({cell})" if cell else word
            for found in (read_status(mode, both), read_status(mode, word, cell)):
                assert (found.status, found.detail, found.code) == (status, detail, code)


def test_what_the_provider_said_is_read_back():
    found = read_status(Mode.EMAIL, "Sent, but provider: Failed (permanent)")
    assert (found.status, found.email_outcome) == (DeliveryStatus.SENT, "failed-permanent")
    assert read_status(Mode.EMAIL, "Sent, provider: surprising").email_outcome == "surprising"


@pytest.mark.parametrize(
    ("mode", "word", "status", "code"),
    [
        (Mode.VOICE, "Live Person", DeliveryStatus.NOT_CONFIRMED, 5),
        (Mode.VOICE, "answering machine", DeliveryStatus.NOT_CONFIRMED, 6),
        (Mode.TEXT, "SMS Opt Out", DeliveryStatus.OPT_OUT, -33),
        (Mode.VOICE, "Completed", DeliveryStatus.CONFIRMED, None),
        (Mode.TEXT, "Opt-Out", DeliveryStatus.OPT_OUT, None),
    ],
)
def test_words_of_other_systems_are_read(mode, word, status, code):
    found = read_status(mode, word)
    assert (found.status, found.code) == (status, code)


def test_an_unknown_word_is_refused_and_not_repeated():
    with pytest.raises(UnknownWord) as raised:
        read_status(Mode.INBOX, "Confirmed")
    assert "Confirmed" not in str(raised.value)


@pytest.mark.parametrize(
    ("device", "status", "mode"),
    [
        ("Inbox", "Sent", Mode.INBOX),
        ("mai@example.org", "Sent", Mode.EMAIL),
        ("Voice (612) 555-0143", "Busy", Mode.VOICE),
        ("Text (612) 555-0143", "Sent", Mode.TEXT),
        ("612 555 0143", "Busy", Mode.VOICE),
        ("612 555 0143", "SMS Sent", Mode.TEXT),
        ("612 555 0143", "Opt Out", Mode.TEXT),
        ("nothing", "Sent", None),
    ],
)
def test_a_device_says_its_mode(device, status, mode):
    assert mode_of_device(device, status) is mode


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text[:1] != "'"))
def test_a_cell_of_our_own_is_what_it_was(text):
    assert safe(own_cell(safe(text))) == safe(text)
    assert own_cell(safe(text)) == text or text.startswith("(+")


def test_a_number_abroad_is_what_it_was():
    assert own_cell(safe("+525512345678")) == "+525512345678"
    assert own_cell("(+1) not a number") == "(+1) not a number"


@pytest.mark.parametrize("given", ["612-555-0143", "(612) 555-0143 x45", "612 555 0143 (Mom)", "cell 6125550143 ext 2"])
def test_a_number_that_a_report_prints_is_that_number(given, settings):
    settings.PHONE_REGION = "US"
    printed = device_text(Mode.VOICE, phone_number(given), given)
    found = printed_number(Mode.VOICE, printed)
    assert found.canonical == phone_number(given)
    assert device_text(Mode.VOICE, found.canonical, found.given) == printed


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])).map(str.strip))
def test_a_body_is_printed_as_it_was(text):
    printed = html_to_text(text)
    assert html_to_text(body_of(printed)) == printed
