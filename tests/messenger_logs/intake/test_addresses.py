"""One canonical form for each device, and the form as it was given."""

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_django import Settings

from messenger_logs.choices import Mode
from messenger_logs.services.addresses import (
    AddressError,
    DeviceAddress,
    email_address,
    is_plain,
    mailbox,
    phone_number,
    read_address,
)

INVISIBLE = "\u200b\u200e\u202a\u202c\u2066\u2069\ufeff\u00ad\u2060\ufe0f\u034f\x00\x07"


@pytest.mark.parametrize(
    "text",
    [
        "(612) 555-0143",
        "612-555-0143",
        " 612.555.0143 ",
        "1 612 555 0143",
        "+1 612 555 0143",
        "+16125550143",
        "\u202a+1 612 555 0143\u202c",
        "\u2066612\u2069\u200e 555\ufeff 0143",
        "６１２－５５５－０１４３",
        "612‑555–0143",
    ],
)
def test_a_number_in_any_spelling_is_the_same_number(text: str) -> None:
    assert phone_number(text) == "+16125550143"
    assert read_address(Mode.TEXT, text) == DeviceAddress("+16125550143")


def test_a_number_of_another_country_keeps_its_country() -> None:
    assert phone_number("+52 55 5555 0100") == "+525555550100"


@pytest.mark.parametrize("text", ["+52 1 55 5555 0100", "+5215555550100", "+52 044 55 5555 0100"])
def test_a_mexican_mobile_with_its_old_prefix_is_the_number_without_it(text: str) -> None:
    assert phone_number(text) == "+525555550100"


def test_the_region_of_numbers_without_a_country_is_a_setting(settings: Settings) -> None:
    with pytest.raises(AddressError):
        phone_number("020 7946 0958")
    settings.PHONE_REGION = "GB"
    assert phone_number("020 7946 0958") == "+442079460958"


def test_an_extension_is_a_device_of_its_own() -> None:
    for text in ("612-555-0143 x45", "612-555-0143 ext. 45", "+16125550143;ext=45", "612-555-0143 #45"):
        assert read_address(Mode.VOICE, text) == DeviceAddress("+16125550143;ext=45")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("612-555-0143 cell", "+16125550143"),
        ("(612) 555-0143 (Mom)", "+16125550143"),
        ("Mom: 612-555-0143", "+16125550143"),
        ("612-555-0143 abuela Lupe", "+16125550143"),
        ("612-555-0143 妈妈", "+16125550143"),
        ("612-555-0143 x45 front desk", "+16125550143;ext=45"),
    ],
)
def test_a_note_beside_a_number_is_never_dialed_and_stays_as_a_remark(text: str, number: str) -> None:
    assert read_address(Mode.VOICE, text) == DeviceAddress(number, given=text)


@pytest.mark.parametrize("text", ["1-800-FLOWERS", "800-flowers", "(800) FLOWERS", "1.800.FLOWERS", "+1 800 FLOWERS"])
def test_letters_are_dialed_behind_a_toll_free_code(text: str) -> None:
    assert read_address(Mode.VOICE, text) == DeviceAddress("+18003569377", given=text)


@given(
    digits=st.from_regex(r"\A(?:\+?[0-9]{1,3}[ -]?)?\(?[0-9]{3}\)?[ -]?[0-9]{0,3}-?\Z").filter(
        lambda text: not re.match(r"\D*1?\D*8(00|33|44|55|66|77|88)", text)
    ),
    word=st.from_regex(r"\A[A-Za-z]{3,9}\Z"),
)
def test_a_word_beside_a_short_number_is_never_dialed(digits: str, word: str) -> None:
    """Few digits are a whole number in some countries: then the word is a note."""
    for text in (f"{digits}{word}", f"{digits}-{word}", f"{digits} {word}"):
        found = read_address(Mode.VOICE, text)
        assert found.error or len(_digits(found.canonical)) <= len(_digits(digits)) + len("1")


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def test_a_toll_free_code_is_one_of_north_america(settings: Settings) -> None:
    settings.PHONE_REGION = "GB"
    assert read_address(Mode.VOICE, "800-FLOWERS").error


@given(
    digits=st.from_regex(r"\A[2-9][0-9]{2}[- ]?[0-9]{4}\Z|\A\(?[2-9][0-9]{2}\)?[- ]?[0-9]{3}[- ]?[0-9]{4}\Z"),
    note=st.text("abcdefghijklmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWYZ ()", min_size=1, max_size=12),
)
def test_letters_beside_a_whole_number_never_become_digits(digits: str, note: str) -> None:
    for text in (f"{digits} {note}", f"{digits}({note})", f"{digits}{note}"):
        found = read_address(Mode.VOICE, text)
        assert found.error or found.canonical.endswith("".join(filter(str.isdecimal, digits))[-10:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a phone number"),
        ("none", "is not a phone number"),
        ("555-0143", "is a phone number without its area code"),
        ("555-0143 (Mom)", "is a phone number without its area code"),
        ("555-0143MOM", "is a phone number without its area code"),
        ("612-CALL", "is not a complete phone number"),
        ("612-555 HOME", "is not a complete phone number"),
        ("(612) 555-CELL", "is not a complete phone number"),
        ("651-Grandma", "is not a complete phone number"),
        ("555-Grandma", "is not a complete phone number"),
        ("952-DADCELL", "is not a complete phone number"),
        ("555-014-Work", "is not a complete phone number"),
        ("+52 55 1234-MAMA", "is not a complete phone number"),
        ("612555Work", "is not a complete phone number"),
        ("612-555-0143 (after 5)", "is not a phone number alone"),
        ("911", "is not a complete phone number"),
        ("612555014300", "is too long for a phone number"),
    ],
)
def test_what_is_no_number_is_refused_in_words_and_kept_as_it_came(text: str, words: str) -> None:
    with pytest.raises(AddressError, match=f"^{words}$"):
        phone_number(text)
    assert read_address(Mode.TEXT, text) == DeviceAddress(text, error=words)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("mom@example.org", "mom@example.org"),
        ("Pa.Houa@Mail.EXAMPLE", "pa.houa@mail.example"),
        ("mom@xn--bcher-kva.example", "mom@bücher.example"),
        ("mom@BÜCHER.example", "mom@bücher.example"),
        ("jo@mu\u0308nchen.example", "jo@münchen.example"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("JOSÉ@example.org", "josé@example.org"),
        ("用户@例え。テスト", "用户@例え.テスト"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ("ab.@docomo.example", "ab.@docomo.example"),
        ('"a b"@mail.example', '"a b"@mail.example'),
        ("mom@[192.0.2.1]", "mom@[192.0.2.1]"),
        ("mom@example.org.", "mom@example.org"),
        ("Mom <Mom@example.org>", "mom@example.org"),
        ("mom@💩.example", "mom@💩.example"),
    ],
)
def test_a_mailbox_has_one_canonical_form_and_stays_as_it_was_given(given: str, canonical: str) -> None:
    assert read_address(Mode.EMAIL, given) == DeviceAddress(canonical, given if given != canonical else "")
    assert mailbox(canonical) == canonical


@pytest.mark.parametrize("at", [0, 3, 7, 15])
@pytest.mark.parametrize("character", list(INVISIBLE))
def test_invisible_characters_are_no_part_of_an_address(at: int, character: str) -> None:
    text = "mom@example.org"
    assert read_address(Mode.EMAIL, text[:at] + character + text[at:]) == DeviceAddress(text)


LOCAL = st.text(st.characters(min_codepoint=33, exclude_categories=("Cs", "Cn")), min_size=1, max_size=12)


@given(local=LOCAL, label=st.text("abcxyzüéßñ例え", min_size=1, max_size=8))
def test_case_and_the_two_ways_to_write_an_accent_do_not_count(local: str, label: str) -> None:
    text = f"{local}@{label}.example"
    canonical = mailbox(text)
    assert mailbox(canonical) == canonical
    assert mailbox(unicodedata.normalize("NFD", text)) == canonical
    assert mailbox(unicodedata.normalize("NFC", text)) == canonical
    assert mailbox(text.lower()) == canonical


@given(st.text(st.characters(codec="ascii")))
def test_the_canonical_form_of_a_plain_address_is_what_the_database_makes_of_it(text: str) -> None:
    assume(is_plain(text) and "  " not in text)
    assert mailbox(text) == text.lower()


@given(st.text())
def test_no_text_whatever_breaks_the_reading(text: str) -> None:
    for mode in Mode:
        found = read_address(mode, text)
        assert found.error or found.canonical or not text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pa.houa",
        "pa@",
        "@mail.example",
        "pa houa@mail.example",
        "a@b@",
        "a@-b.example",
        "a@x.org,b@y.org",
        "a\ufffd@x.org",
    ],
)
def test_what_is_no_email_address_is_refused_in_words_and_kept_as_it_came(text: str) -> None:
    with pytest.raises(AddressError, match="is not an e-mail address"):
        email_address(text)
    assert read_address(Mode.EMAIL, text) == DeviceAddress(text, error="is not an e-mail address")


def test_an_email_address_is_no_longer_than_its_column() -> None:
    with pytest.raises(AddressError):
        email_address(f"{'a' * 64}@{'.'.join(['b' * 62] * 5)}.example")


def test_an_inbox_is_named_by_its_person() -> None:
    assert read_address(Mode.INBOX, " 40211 ") == DeviceAddress("40211")


def test_words_never_repeat_the_address() -> None:
    for mode, address in [(Mode.TEXT, "555-0199"), (Mode.EMAIL, "pa.houa at mail")]:
        assert address not in read_address(mode, address).error
