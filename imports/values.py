"""Read the words of logs and reports back to the values of the ledger: statuses, details, codes, modes, devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from django.utils.translation import gettext as _

from core.languages import english
from imports.spellings import spellings
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode
from messenger_logs.services.json_fields import squeezed
from messenger_logs.status_labels import (
    EMAIL_OUTCOMES,
    MESSAGE_STATUSES,
    SENT_MESSAGE_LOG_2_STATUSES,
    detail_text,
)
from messenger_logs.statuses import CODES, STATUSES
from reports.writers.csv import safe

_WORDS: Mapping[str, DeliveryStatus] = {
    squeezed(word): status for status in DeliveryStatus for word in (english(status.label), status.value)
}
# What other systems say for the same statuses. Sources: the status tables of Sent Message Log 2.0 and of the voice and
# text provider.
_OTHER_WORDS: Mapping[str, DeliveryStatus] = {
    "completed": DeliveryStatus.CONFIRMED,
    "optedout": DeliveryStatus.OPT_OUT,
    "cancelled": DeliveryStatus.CANCELED,
    "nostatus": DeliveryStatus.NO_CALL_STATUS,
    "vendorerror": DeliveryStatus.ERROR,
    "queued": DeliveryStatus.WAITING,
    "bounced": DeliveryStatus.FAILED,
}
_CODES_BY_NAME: Mapping[tuple[Mode, str], int] = {
    # Of two codes with one name, the first of the table counts: both have the same meaning.
    (mode, squeezed(code.name)): code.number
    for code in reversed(list(CODES.values()))
    for mode in code.modes
}
_OUTCOMES = {status.in_english: outcome for outcome, status in EMAIL_OUTCOMES.items()}
_OUTCOMES_BY_NAME = {squeezed(name): name for name in EMAIL_OUTCOMES}
_OTHER_MODES: Mapping[str, Mode] = {
    "sms": Mode.TEXT,
    "textmessage": Mode.TEXT,
    "phone": Mode.VOICE,
    "call": Mode.VOICE,
    "portal": Mode.INBOX,
}
# The statuses of a text that no call has.
_OF_TEXTS = frozenset({*STATUSES[Mode.TEXT]}) - frozenset(STATUSES[Mode.VOICE])
_PROVIDER = re.compile(r"(?P<own>.*?),(?: but)? provider: (?P<word>.*)", re.DOTALL)
_WITH_DETAIL = re.compile(r"(?P<word>[^(]*?) \((?P<detail>.*)\)", re.DOTALL)
_WITH_CODE = re.compile(r"(?:(?P<detail>.*), )?code (?P<code>-?\d{1,5})(?:: .*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """The result of a device as a report writes it."""

    status: DeliveryStatus
    detail: str = ""
    code: int | None = None
    email_outcome: str = ""


_FLAGS = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}


class UnknownWord(ValueError):
    """A word that is none of the known ones. The message says which are, without a subject."""


@lru_cache(maxsize=2**12)
def read_status(mode: Mode, text: str, detail: str | None = None) -> DeviceStatus:
    """Read "Not Confirmed (Voicemail detected, code 6: Answering Machine)", or a status with its `detail` apart.

    Behind it may stand what the e-mail provider said: "Sent, but provider: Rejected". Raises UnknownWord.
    """
    said = _PROVIDER.fullmatch(text) if mode is Mode.EMAIL else None
    own = said["own"] if said else text
    outcome = _OUTCOMES.get(said["word"], said["word"][:32]) if said else ""
    both = _WITH_DETAIL.fullmatch(own) if detail is None else None
    word, behind = (both["word"], both["detail"]) if both else (own, detail or "")
    status = _WORDS.get(squeezed(word)) or _OTHER_WORDS.get(squeezed(word))
    if status in STATUSES[mode]:
        return DeviceStatus(status, *_read_detail(mode, behind), email_outcome=outcome)
    return _of_code_name(mode, word, behind, outcome)


def _of_code_name(mode: Mode, word: str, detail: str, outcome: str) -> DeviceStatus:
    """Read the name of a provider's code in the place of a status: "Live Person"."""
    number = _CODES_BY_NAME.get((mode, squeezed(word)))
    if number is None:
        known = ", ".join(english(status.label) for status in STATUSES[mode])
        unknown = _("is no status of %(mode)s. Known are: %(statuses)s")
        raise UnknownWord(unknown % {"mode": mode.label, "statuses": known})
    code = CODES[number]
    return DeviceStatus(code.status, detail or code.detail, number, outcome)


def _read_detail(mode: Mode, text: str) -> tuple[str, int | None]:
    """Return the detail of a status and the provider's code. A text that reads otherwise is a detail alone."""
    if found := _WITH_CODE.fullmatch(text):
        detail, code = found["detail"] or "", int(found["code"])
        if -(2**15) <= code < 2**15 and detail_text(mode, detail, code) == text:
            return detail, code
    return text, None


@lru_cache(maxsize=2**10)
def read_outcome(text: str) -> tuple[str, str] | None:
    """Return the e-mail provider's outcome and its reason, of "Failed (permanent): No such mailbox"; None for ""."""
    if not text:
        return None
    word, _colon, reason = text.partition(": ")
    known = _OUTCOMES.get(word) or _OUTCOMES_BY_NAME.get(squeezed(word))
    return (known, reason) if known else (text[:32], "")


def read_flag(text: str) -> bool:
    """Read "Yes" or "No" in one of their usual spellings. Raises UnknownWord."""
    flag = _FLAGS.get(squeezed(text))
    if flag is None:
        raise UnknownWord(_("is neither yes nor no"))
    return flag


@lru_cache(maxsize=2**10)
def read_mode(text: str) -> Mode | None:
    """Return the mode that a word means: "Email", "E-mail", "SMS", "Phone"; None for any other text."""
    word = squeezed(text)
    return _OTHER_MODES.get(word) or _modes().get(word)


@cache
def _modes() -> dict[str, Mode]:
    return {squeezed(name): mode for name, mode in _names_of_modes().items()}


@cache
def _names_of_modes() -> dict[str, Mode]:
    """Return the modes by their names in all languages: files have that of who made them."""
    return {name: mode for mode in Mode for name in (mode.value, *spellings(mode.label))}


def split_device(text: str) -> tuple[Mode | None, str]:
    """Return the mode that a device begins with, and the rest: "Voice (612) 555-0143". Without one: None, all of it."""
    word, _blank, rest = text.partition(" ")
    if word.isalpha() and (mode := read_mode(word)):
        return mode, rest
    name = next((name for name in _long_names_of_modes() if f"{text} ".startswith(f"{name} ")), "")
    return (_names_of_modes()[name], text.removeprefix(name).lstrip()) if name else (None, text)


@cache
def _long_names_of_modes() -> list[str]:
    """Return the names that have several words, in some languages."""
    return [name for name in _names_of_modes() if " " in name]


def mode_of_device(device: str, status: str = "") -> Mode | None:
    """Return the mode of a device that a report names alone: "Inbox", an address, a number; None if it is none.

    A number is one for a text if its status is one that only texts have, such as Opt Out or SMS Sent.
    """
    if "@" in device:
        return Mode.EMAIL
    mode, number = split_device(device)
    if mode and bool(number) is not (mode is Mode.INBOX):
        return mode
    if any(map(str.isdigit, device)):
        return Mode.TEXT if _is_of_a_text(status) else Mode.VOICE
    return None


def _is_of_a_text(status: str) -> bool:
    word = squeezed(status.partition(" (")[0])
    found = _WORDS.get(word) or _OTHER_WORDS.get(word)
    of_a_code = (Mode.TEXT, word) in _CODES_BY_NAME and (Mode.VOICE, word) not in _CODES_BY_NAME
    return found in _OF_TEXTS or of_a_code


MESSAGE_WORDS: Mapping[str, MessageStatus] = {
    **{squeezed(status.in_english): value for value, status in SENT_MESSAGE_LOG_2_STATUSES.items()},
    **{squeezed(status.in_english): value for value, status in MESSAGE_STATUSES.items()},
    "cancelled": MessageStatus.CANCELED,
    "cancelledip": MessageStatus.CANCELED_IN_PROGRESS,
}
"""The statuses of messages by the words of both logs, in the spelling for comparisons."""


_ABROAD = re.compile(r"\((\+\d{1,3})\)([\d\s()./-]+)(.*)", re.DOTALL | re.ASCII)


def own_cell(cell: str) -> str:
    """Return the text of a cell of this product's own CSV, without what makes it safe for spreadsheets."""
    if cell[:1] == "'" and safe(cell[1:]) == cell:
        return cell[1:]
    if cell[:2] == "(+" and (found := _ABROAD.fullmatch(cell)):
        text = f"{found[1]}{re.sub(r'[^0-9]', '', found[2])}{' ' if found[3] else ''}{found[3]}"
        return text if safe(text) == cell else cell
    return cell
