"""One spelling for each device."""

import pytest
from pytest_django import Settings

from messenger_logs.choices import Mode
from messenger_logs.services.addresses import AddressError, email_address, normalized, phone_number


@pytest.mark.parametrize(
    "text",
    ["(612) 555-0143", "612-555-0143", " 612.555.0143 ", "1 612 555 0143", "+1 612 555 0143", "+16125550143"],
)
def test_a_number_in_any_spelling_is_the_same_number(text: str) -> None:
    assert phone_number(text) == "+16125550143"


def test_a_number_of_another_country_keeps_its_country() -> None:
    assert phone_number("+52 55 5555 0100") == "+525555550100"


def test_the_region_of_numbers_without_a_country_is_a_setting(settings: Settings) -> None:
    with pytest.raises(AddressError):
        phone_number("020 7946 0958")
    settings.PHONE_REGION = "GB"
    assert phone_number("020 7946 0958") == "+442079460958"


def test_an_extension_is_a_device_of_its_own() -> None:
    assert phone_number("612-555-0143 x45") == "+16125550143;ext=45"
    assert phone_number("+16125550143;ext=45") == "+16125550143;ext=45"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a phone number"),
        ("none", "is not a phone number"),
        ("call grandma 6125550143", "is not a phone number alone"),
        ("555-0143", "is a phone number without its area code"),
        ("911", "is not a complete phone number"),
        ("612555014300", "is too long for a phone number"),
    ],
)
def test_what_is_no_number_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(AddressError, match=f"^{words}$"):
        phone_number(text)


def test_of_an_email_address_the_domain_alone_is_lower_case() -> None:
    assert email_address("  Pa.Houa@Mail.EXAMPLE ") == "Pa.Houa@mail.example"


@pytest.mark.parametrize(
    "text", ["", "pa.houa", "pa@", "@mail.example", "pa houa@mail.example", "a@b@", "a@-b.example"]
)
def test_what_is_no_email_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(AddressError, match="is not an e-mail address"):
        email_address(text)


def test_an_email_address_is_no_longer_than_its_column() -> None:
    with pytest.raises(AddressError):
        email_address(f"{'a' * 64}@{'.'.join(['b' * 62] * 5)}.example")


def test_an_inbox_is_named_by_its_person() -> None:
    assert normalized(Mode.INBOX, " 40211 ") == "40211"


def test_words_never_repeat_the_address() -> None:
    for mode, address in [(Mode.TEXT, "555-0199"), (Mode.EMAIL, "pa.houa at mail")]:
        with pytest.raises(AddressError) as refused:
            normalized(mode, address)
        assert address not in str(refused.value)
