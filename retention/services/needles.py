"""Find a person in texts that people or providers wrote: by the whole name, an address, or a number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from core.files import files
from messenger_logs.removed import REMOVED

_CHUNK = 2**20
# Longer than whatever is looked for.
_OVERLAP = 1_000
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")


class Needles:
    """What names a person. Case does not count."""

    def __init__(self, *, names: Collection[str], addresses: Collection[str]) -> None:
        self.names = sorted(names)
        self.addresses = sorted(addresses)

    @cached_property
    def pattern(self) -> str:
        """The regular expression, for Python and for PostgreSQL alike; one that never fits if there is nothing."""
        parts = {part for name in self.names for part in _name_patterns(name)}
        parts |= {_address_pattern(address) for address in self.addresses}
        return "|".join(sorted(parts, key=lambda part: (-len(part), part))) or r"$^x"

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def are_in(self, text: str) -> bool:
        return self._compiled.search(text) is not None

    def redacted(self, value: Any) -> Any:
        """Return a text, or a JSON value, without what names the person."""
        if isinstance(value, str):
            return self._compiled.sub(REMOVED, value)
        if isinstance(value, list):
            return [self.redacted(part) for part in value]
        if isinstance(value, dict):
            return {key: self.redacted(part) for key, part in value.items()}
        return value

    def are_in_file(self, name: str) -> bool:
        """Whether a file of the store has any of it, in an encoding in which spreadsheets write. It may be gone."""
        try:
            return any(self.are_in(text) for text in _texts(name))
        except FileNotFoundError:
            return False


def _name_patterns(name: str) -> Iterator[str]:
    """A name as it is written, and with the first names in front. One word alone means too many people."""
    words = [word for word in re.split(r"[\s,;]+", name) if word]
    if len(words) < 2:
        return
    last, comma, first = name.partition(",")
    orders = [words, words[::-1]] if len(words) == 2 else [words]
    if comma:
        orders.append([*first.split(), *last.split()])
    for order in orders:
        yield r"(?<!\w)" + r"[\s,;]+".join(map(_escaped, order)) + r"(?!\w)"


def _address_pattern(address: str) -> str:
    digits = re.sub(r"\D", "", address)
    if "@" in address or len(digits) < 7:
        return r"(?<![\w.+-])" + _escaped(address) + r"(?!\w)"
    if len(digits) == 11 and digits.startswith("1"):
        area, office, line = digits[1:4], digits[4:7], digits[7:]
        return rf"(?:\+?1\D{{0,2}})?\(?{area}\D{{0,3}}{office}\D{{0,3}}{line}(?!\d)"
    return r"\+?" + r"\D?".join(digits) + r"(?!\d)"


def _escaped(text: str) -> str:
    """Escape what has a meaning in the expressions of Python and PostgreSQL, and nothing else."""
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)


def _texts(name: str) -> Iterator[str]:
    with files().reading(name) as file:
        before = b""
        while chunk := file.read(_CHUNK):
            for encoding in _ENCODINGS:
                yield (before + chunk).decode(encoding, errors="replace")
            before = chunk[-_OVERLAP:]
