"""The lines above the rows of this product's CSV reports of a message: header, figures, criteria, message detail.

They are pairs of label and value without headings, so their order says what each one is. Those of other systems are
read by their labels alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from imports.values import own_cell, read_mode
from messenger_logs.choices import PHONE, Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.services.json_fields import squeezed

Pair = tuple[str, str]
REPLY_TO, BODY, ATTACHMENTS = "Reply To Email", "Message Body", "Attachments"
_NO_SUBJECT = "(no subject)"
_LAST_FIGURE = "Total Voice Not Reached (busy, no answer)"
_FIRST_CRITERIA = ("District", "Calendar")
_NUMBER = re.compile(r"\d{1,3}(?:,?\d{3})*")
_DURATION = re.compile(r"(?:(\d+) h ?)?(?:(\d+) min ?)?(?:(\d+) s)?")
# The criteria of 2.0 that every report prints, in their order, and what it prints where the message has none of them.
_PRINTED_ALWAYS = {
    "District": None,
    "Calendar": None,
    "Message Type": None,
    "Delivery Mode": None,
    "Recipients": "not recorded",
    "Total Recipient Count": None,
    "Recipients with No Device": None,
    "Preferred Language": "any",
    "School Year": "not recorded",
    "Active Students Only": "not recorded",
}


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """What a report says above its rows."""

    lines: dict[str, str] = field(default_factory=dict)
    """The lines of the header and the figures, by label."""
    criteria: list[Pair] = field(default_factory=list)
    detail: list[Pair] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lines)

    def text(self, *labels: str) -> str:
        return next((self.lines[label] for label in labels if self.lines.get(label)), "")

    def number(self, label: str) -> int | None:
        """Return a figure; None where the report has none."""
        text = self.lines.get(label, "")
        return int(text.replace(",", "")) if _NUMBER.fullmatch(text) else None

    def duration(self, label: str) -> timedelta | None:
        found = _DURATION.fullmatch(self.lines.get(label, ""))
        if not found or not any(found.groups()):
            return None
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    @property
    def subject(self) -> str:
        subject = self.text("Subject")
        return "" if subject == _NO_SUBJECT else subject

    @property
    def reply_to(self) -> str:
        return dict(self.detail).get(REPLY_TO, "")

    @property
    def attachments(self) -> list[dict[str, Any]]:
        names = dict(self.detail).get(ATTACHMENTS, "")
        return [{"name": name} for name in names.split(", ") if name]

    def bodies(self, modes: Iterable[Mode]) -> dict[str, str]:
        """Return the texts of the message. One that all modes share is printed once."""
        found: dict[str, str] = {}
        for label, text in self.detail:
            if label == BODY:
                found |= dict.fromkeys(modes, body_of(text))
            elif label.startswith(f"{BODY}, ") and (mode := read_mode(label.removeprefix(f"{BODY}, "))):
                found[mode] = body_of(text)
        return found

    @property
    def modes_of_bodies(self) -> list[Mode]:
        labels = [label.removeprefix(f"{BODY}, ") for label, _ in self.detail if label.startswith(f"{BODY}, ")]
        return [mode for mode in map(read_mode, labels) if mode]

    @property
    def modes(self) -> list[Mode]:
        """Return the modes that the report names. "Voice/Text" stands for both."""
        texts = self.text("Delivery Mode", "Delivery Modes", "Include Recipient Devices").replace("/", ", ")
        named = {read_mode(part) for part in texts.split(", ")}
        return [mode for mode in Mode if mode in named]

    @property
    def criteria_of_2(self) -> list[Pair]:
        """Return the criteria of a 2.0 message, without what its report prints of every message."""
        usual, others = self.criteria[: len(_PRINTED_ALWAYS)], self.criteria[len(_PRINTED_ALWAYS) :]
        chosen = [(label, value) for label, value in usual if _PRINTED_ALWAYS.get(label) not in (None, value)]
        return [*chosen, *others]

    def criterion(self, label: str) -> str:
        """Return a criterion that every report of 2.0 prints."""
        return dict(self.criteria[: len(_PRINTED_ALWAYS)]).get(label, "")


def read_header(rows: Sequence[Sequence[str]], *, own: bool) -> ReportHeader:
    """Read the rows above the table. Those of this product are pairs; others may be one cell: "Sender: Office"."""
    pairs = [pair for row in rows if (pair := _pair(row, own))]
    if not own:
        return _by_labels(pairs)
    reply = next((at for at in reversed(range(len(pairs))) if pairs[at][0] == REPLY_TO), len(pairs))
    first = _begin_of_criteria(pairs[:reply])
    return ReportHeader(dict(pairs[:first]), pairs[first:reply], pairs[reply:])


def _pair(row: Sequence[str], own: bool) -> Pair | None:
    cells = [own_cell(cell) for cell in row] if own else [cell.strip() for cell in row if cell.strip()]
    if own:
        return (cells[0], cells[1]) if len(cells) > 1 and any(cells) else None
    if len(cells) == 1:
        label, colon, value = cells[0].partition(":")
        return (label.strip(), value.strip()) if colon else None
    return (cells[0].removesuffix(":"), cells[1]) if cells else None


def _begin_of_criteria(pairs: Sequence[Pair]) -> int:
    labels = [label for label, _ in pairs]
    if _LAST_FIGURE in labels:
        return labels.index(_LAST_FIGURE) + 1
    pairs_of_labels = list(pairwise(labels))
    return pairs_of_labels.index(_FIRST_CRITERIA) if _FIRST_CRITERIA in pairs_of_labels else len(pairs)


def _by_labels(pairs: list[Pair]) -> ReportHeader:
    detail = [pair for pair in pairs if squeezed(pair[0]) in (squeezed(REPLY_TO), squeezed(BODY))]
    return ReportHeader({label: value for label, value in pairs if (label, value) not in detail}, [], detail)


def body_of(text: str) -> str:
    """Return a body that is printed as this text: one that would be taken for markup becomes markup that shows it."""
    if html_to_text(text) == text:
        return text
    marked = f"<p>{'<br>'.join(html.escape(line, quote=False) for line in text.splitlines())}</p>"
    return marked if html_to_text(marked) == text else text


def has_phone(modes: Iterable[str]) -> bool:
    return any(mode in PHONE for mode in modes)
