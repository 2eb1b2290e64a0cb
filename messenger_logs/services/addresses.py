"""Addresses and numbers of devices: the canonical form, by which the same device is recognized, and the form as given.

A log takes what was sent. So an odd address is kept as it came, and only one that nothing can go to is not usable.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import idna
import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from core.text import visible
from messenger_logs.choices import PHONE, Mode

LONGEST = 320
NO_TEXT = "—"  # what people see for an address without any text
_BRAILLE = 0x2800  # the first of 256 patterns


class AddressError(ValueError):
    """A text that nothing of its mode can go to. The message says why, and does not repeat the text."""


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """An address of a mode.

    ``canonical`` is the same for every spelling of one mailbox or number. ``given`` is the form as it came, without
    invisible characters; "" if it says no more than ``canonical``. ``error`` says why nothing can go to it, without a
    subject; "" if something can. Then ``canonical`` is the form as it came.
    """

    canonical: str
    given: str = ""
    error: str = ""


def read_address(mode: Mode, text: str) -> DeviceAddress:
    """Read an address as it came. A text of invisible characters alone has the canonical form "", and an error."""
    if mode not in PHONE and mode is not Mode.EMAIL:
        return DeviceAddress(text.strip())
    try:
        return _email_address(text) if mode is Mode.EMAIL else _phone_number(text, settings.PHONE_REGION)
    except AddressError as error:
        return DeviceAddress(visible(text), error=str(error))


def read_device(mode: Mode, text: str, *, person_id: str) -> DeviceAddress:
    """Read the address of a person's device. What nothing can go to, such as "n/a", is a device of this person alone.

    So its canonical form is the text, cut where it is too long, with a mark of the person. The same text of two people
    is two devices, and that of one person is one.
    """
    found = read_address(mode, text)
    if not found.error:
        return found
    given = found.canonical or NO_TEXT
    mark = _mark_of(person_id)
    return DeviceAddress(f"{given[: LONGEST - len(mark)]}{mark}", given, found.error)


def _mark_of(person_id: str) -> str:
    """Return a mark that nobody types, and that no search for letters or digits finds: a blank, and braille patterns.

    A blank keeps the text from becoming usable: no number and no address has these signs behind a blank.
    """
    digest = blake2b(person_id.encode(), digest_size=8).digest()
    return " " + "".join(chr(_BRAILLE + byte) for byte in digest)


# Phone numbers


def phone_number(text: str) -> str:
    """Return a number as E.164, such as +16125550123; without a country code it is one of PHONE_REGION.

    An extension stays, as ";ext=45": two desks behind one switchboard are two devices. A note beside the number, such
    as "cell" or "(Mom)", is no part of it. Raises AddressError.
    """
    return _phone_number(text, settings.PHONE_REGION).canonical


def number_of(address: str) -> str:
    """Return the number without its extension. Texts go to this number."""
    return address.partition(";")[0]


# Digits of any script with the signs that people put between them, and the extension behind them.
_NUMBER = re.compile(
    r"[+\uff0b(\uff08]*\d[\d\s()\uff08\uff09.+/\u2010-\u2015\u2212\uff0d\uff0e-]*"
    r"(?:[\s,;]*(?:ext(?:ension|n)?|anexo|int|ramal|poste|x|#)[\s.:=\uff1d]*\d{1,7}(?!\w))?",
    re.IGNORECASE,
)
# Letters are dialed only behind the code of a toll-free number, such as 1-800-FLOWERS. Behind other digits a word is a
# note: who dialed "555-Grandma" would call a stranger. Source of the codes:
# https://www.fcc.gov/consumers/guides/what-toll-free-number-and-how-does-it-work .
_NORTH_AMERICA = 1
_TOLL_FREE = r"\+?(?:1[\s.-]*)?\(?8(?:00|33|44|55|66|77|88)\)?[\s.-]*"
_VANITY = re.compile(
    _TOLL_FREE + r"(?=(?:[.-]*[A-Z\d]){7,}$)[A-Z\d.-]*[A-Z](?:[.-]?[A-Z]){2}[A-Z.-]*", re.ASCII | re.IGNORECASE
)
# Mexico's mobile numbers had a 1, or within the country 044 or 045, in front of their ten digits until 2019.
# Source: the numbering plan of the Instituto Federal de Telecomunicaciones, https://www.ift.org.mx .
_MEXICO, _MEXICAN_MOBILE = 52, re.compile(r"(?:1|44|45)(\d{10})")


@lru_cache(maxsize=2**16)
def _phone_number(text: str, region: str) -> DeviceAddress:
    """Cached, because a family's number comes again for voice and text, and in message after message."""
    text = visible(text)
    found = _NUMBER.search(text)
    if not found:
        raise AddressError("is not a phone number")
    beside = text[: found.start()] + text[found.end() :]
    if not any(map(str.isalnum, beside)):
        return DeviceAddress(_spelled(_parsed(found[0], region)))
    try:
        if any(map(str.isdigit, beside)):
            raise AddressError("is not a phone number alone")
        return DeviceAddress(_spelled(_parsed(found[0], region)), given=text)
    except _IncompleteError:
        if not _VANITY.fullmatch(text) or (number := _parsed(text, region)).country_code != _NORTH_AMERICA:
            raise
        return DeviceAddress(_spelled(number), given=text)


class _IncompleteError(AddressError):
    """The digits are too few for a number."""


def _parsed(text: str, region: str) -> PhoneNumber:
    """Return a number that is possible. Possible, not valid: new area codes are in use before the library knows them.

    Raises AddressError, and _IncompleteError for too few digits.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise _IncompleteError("is not a phone number") from None
    if number.country_code == _MEXICO and (mobile := _MEXICAN_MOBILE.fullmatch(str(number.national_number))):
        number = PhoneNumber(_MEXICO, int(mobile[1]), number.extension)
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE:
            return number
        case ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise AddressError("is a phone number without its area code")
        case ValidationResult.TOO_LONG:
            raise AddressError("is too long for a phone number")
    raise _IncompleteError("is not a complete phone number")


def _spelled(number: PhoneNumber) -> str:
    spelled = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"{spelled};ext={number.extension}" if number.extension else spelled


# E-mail addresses

# Most addresses are like this. Their canonical form is the same text in lower case.
_PLAIN = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]+@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z]{2,63}", re.ASCII | re.IGNORECASE
)
_PUNYCODE = "xn--"
_WITH_A_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
# What a local part cannot have without quotes. Dots may stand anywhere: some phone companies gave out such addresses.
# U+FFFD stands for a character that was lost.
_NOT_LOCAL = re.compile(r'[\s"(),:;<>@\[\\\]\ufffd]')
_QUOTED = re.compile(r'"(?:[^"\\\ufffd]|\\.)+"')
_IP_ADDRESS = re.compile(r"\[[\w.:]+\]", re.ASCII)


def email_address(text: str) -> str:
    """Return the canonical form of an address that mail can go to. Raises AddressError."""
    return _email_address(text).canonical


def _email_address(text: str) -> DeviceAddress:
    if not _PLAIN.fullmatch(text):
        text = visible(text)
    address = mailbox(text)
    if len(address) > LONGEST or not (_PLAIN.fullmatch(address) or _is_address(address)):
        raise AddressError("is not an e-mail address")
    return DeviceAddress(address, given=text if text != address else "")


def mailbox(text: str) -> str:
    """Return the canonical form of an address, or of a part of one in a search. It never fails.

    Case does not count, nor do accents that are written in two ways, and a domain has its own letters: bücher.example,
    not xn--bcher-kva.example. A name around the address is left out: "Mom <mom@example.org>".
    """
    lower = text.lower()
    if _PLAIN.fullmatch(lower) and _PUNYCODE not in lower:
        return lower
    local, at, domain = bare_address(visible(text)).rpartition("@")
    return f"{_folded(local)}{at}{_domain(domain)}".rstrip(".")


def deliverable(given: str, canonical: str) -> str:
    """Return the address that mail goes to, of both forms of a mailbox.

    Only the mailbox's own server knows whether the case before the @ matters, so that part stays as given. All mail
    servers read a domain in its canonical form, and not in every other spelling: with a dot of full width, say.
    """
    local, _, _ = bare_address(given).rpartition("@")
    domain = mailbox(canonical).rpartition("@")[2]
    return f"{local}@{domain}" if local else canonical


def bare_address(text: str) -> str:
    """Return the address of a text, without a name around it."""
    found = _WITH_A_NAME.fullmatch(text) if text.endswith(">") else None
    return found[1].strip() if found else text


def is_plain(text: str) -> bool:
    """Whether the canonical form of an e-mail address is the same text in lower case, as PostgreSQL would write it."""
    plain = text.isascii() and text.isprintable() and not text.endswith((">", ".")) and text == text.strip()
    return plain and _PUNYCODE not in text.lower()


def _folded(text: str) -> str:
    """Return a text in one spelling: in lower case, and each letter with its accents as one character."""
    lower = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    return lower if lower == text else _folded(lower)


@lru_cache(maxsize=2**12)
def _domain(text: str) -> str:
    return ".".join(_labels(_DOTS.sub(".", text)))


def _labels(domain: str) -> Iterator[str]:
    for label in domain.split("."):
        try:
            # A label has 63 characters at most; a longer one is no label, and would take long.
            yield idna.ulabel(idna.uts46_remap(label, std3_rules=False)) if len(label) <= 63 else _folded(label)
        except ValueError:
            yield _folded(label)


def _is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return _is_local(local) and _is_domain(domain)


def _is_local(local: str) -> bool:
    return bool(_QUOTED.fullmatch(local) or (local and not _NOT_LOCAL.search(local)))


def _is_domain(domain: str) -> bool:
    """Whether a domain has the form of one. Letters that are not ASCII may stand anywhere: new ones come every year."""
    if domain == "localhost" or _IP_ADDRESS.fullmatch(domain):
        return True
    try:
        validate_domain_name(_NOT_ASCII.sub("xx", domain))
    except ValidationError:
        return False
    return "\ufffd" not in domain
