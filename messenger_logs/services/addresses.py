"""Addresses and phone numbers in one spelling each, so that the same device is recognized."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from messenger_logs.choices import PHONE, Mode

# A number begins with a digit (of any script), a plus or a bracket. The library also finds one inside a sentence.
_LOOKS_LIKE_A_NUMBER = re.compile(r"[+(\d]")


class AddressError(ValueError):
    """A text that is no address of its mode. The message says why, and does not repeat the text."""


def normalized(mode: Mode, address: str) -> str:
    """The one spelling of an address for a mode. Raises AddressError."""
    if mode in PHONE:
        return phone_number(address)
    if mode is Mode.EMAIL:
        return email_address(address)
    return address.strip()


def phone_number(text: str) -> str:
    """A number as E.164, such as +16125550123; without a country code it is one of PHONE_REGION.

    An extension stays, as ";ext=45": two desks behind one switchboard are two devices. Raises AddressError.
    """
    return _phone_number(text, settings.PHONE_REGION)


def number_of(address: str) -> str:
    """The number without its extension. Texts go to this number."""
    return address.partition(";")[0]


@lru_cache(maxsize=2**16)
def _phone_number(text: str, region: str) -> str:
    """Cached, because a family's number comes again for voice and text, and in message after message."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise AddressError("is not a phone number") from None
    if not _LOOKS_LIKE_A_NUMBER.match(text.strip()):
        raise AddressError("is not a phone number alone")
    # Possible, not valid: new area codes are in use before the library knows them.
    match phonenumbers.is_possible_number_with_reason(number):
        case phonenumbers.ValidationResult.IS_POSSIBLE:
            pass
        case phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise AddressError("is a phone number without its area code")
        case phonenumbers.ValidationResult.TOO_LONG:
            raise AddressError("is too long for a phone number")
        case _:
            raise AddressError("is not a complete phone number")
    spelled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{spelled};ext={number.extension}" if number.extension else spelled


def email_address(text: str) -> str:
    """An address without space around it and with its domain in lower case.

    The part before the @ stays as it is: only its domain knows whether its case matters. Raises AddressError.
    """
    local, at, domain = text.strip().rpartition("@")
    spelled = f"{local}{at}{domain.lower()}"
    try:
        validate_email(spelled)
    except ValidationError:
        raise AddressError("is not an e-mail address") from None
    return spelled
