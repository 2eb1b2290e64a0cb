"""The lines above the rows of this product's CSV reports of a message: header, figures, criteria, message detail.

They are pairs of label and value without headings, so their order says what each one is. Those of other systems are
read by their labels alone.

A report is in the language of who made it, which its headings tell. What is asked for here is a translated text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.languages import ENGLISH, english
from imports.spellings import spelling
from imports.values import own_cell, read_mode
from messenger_logs.choices import PHONE, Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.services.json_fields import squeezed

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Pair = tuple[str, str]
REPLY_TO, BODY, ATTACHMENTS = _("Reply To Email"), _("Message Body"), _("Attachments")
_BODY_OF_A_MODE = _("Message Body, %(mode)s")
_NO_SUBJECT = _("(no subject)")
_LAST_FIGURE = _("Total Voice Not Reached (busy, no answer)")
_FIRST_CRITERIA = (_("District"), _("Calendar"))
_NUMBER = re.compile(r"\d{1,3}(?:,?\d{3})*")
_DURATION = re.compile(r"(?:(\d+) h ?)?(?:(\d+) min ?)?(?:(\d+) s)?")
# The criteria of 2.0 that every report prints, in their order, and what it prints where the message has none of them.
_PRINTED_ALWAYS: Sequence[tuple[StrOrPromise, StrOrPromise | None]] = [
    (_("District"), None),
    (_("Calendar"), None),
    (_("Message Type"), None),
    (_("Delivery Mode"), None),
    (_("Recipients"), _("not recorded")),
    (_("Total Recipient Count"), None),
    (_("Recipients with No Device"), None),
    (_("Preferred Language"), pgettext_lazy("language", "any")),
    (_("School Year"), _("not recorded")),
    (_("Active Students Only"), _("not recorded")),
]


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """What a report says above its rows."""

    lines: dict[str, str] = field(default_factory=dict)
    """The lines of the header and the figures, by label."""
    criteria: list[Pair] = field(default_factory=list)
    detail: list[Pair] = field(default_factory=list)
    language: str = ENGLISH

    def __bool__(self) -> bool:
        return bool(self.lines)

    def written(self, text: StrOrPromise, **parts: StrOrPromise) -> str:
        """Return a text as the report writes it. `parts` are the texts in its places, such as %(mode)s."""
        template = spelling(text, self.language)
        return template % {name: spelling(part, self.language) for name, part in parts.items()} if parts else template

    def text(self, *labels: StrOrPromise) -> str:
        texts = (self.lines.get(self.written(label), "") for label in labels)
        return next(filter(None, texts), "")

    def number(self, label: StrOrPromise, **parts: StrOrPromise) -> int | None:
        """Return a figure; None where the report has none."""
        text = self.lines.get(self.written(label, **parts), "")
        return int(text.replace(",", "")) if _NUMBER.fullmatch(text) else None

    def duration(self, label: StrOrPromise, **parts: StrOrPromise) -> timedelta | None:
        found = _DURATION.fullmatch(self.lines.get(self.written(label, **parts), ""))
        if not found or not any(found.groups()):
            return None
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    @property
    def subject(self) -> str:
        subject = self.text(_("Subject"))
        return "" if subject == self.written(_NO_SUBJECT) else subject

    @property
    def reply_to(self) -> str:
        return dict(self.detail).get(self.written(REPLY_TO), "")

    @property
    def attachments(self) -> list[dict[str, Any]]:
        names = dict(self.detail).get(self.written(ATTACHMENTS), "")
        return [{"name": name} for name in names.split(", ") if name]

    def bodies(self, modes: Iterable[Mode]) -> dict[str, str]:
        """Return the texts of the message. One that all modes share is printed once."""
        found: dict[str, str] = {}
        for label, text in self.detail:
            if label == self.written(BODY):
                found |= dict.fromkeys(modes, body_of(text))
            elif mode := self._modes_by_label.get(label):
                found[mode] = body_of(text)
        return found

    @property
    def _modes_by_label(self) -> dict[str, Mode]:
        return {self.written(_BODY_OF_A_MODE, mode=mode.label): mode for mode in Mode}

    @property
    def modes_of_bodies(self) -> list[Mode]:
        known = self._modes_by_label
        return [known[label] for label, text in self.detail if label in known]

    @property
    def modes(self) -> list[Mode]:
        """Return the modes that the report names. "Voice/Text" stands for both."""
        texts = self.text(_("Delivery Mode"), _("Delivery Modes"), _("Include Recipient Devices"))
        texts = texts.replace(self.written(_("Voice/Text")), "Voice/Text").replace("/", ", ")
        named = {read_mode(part) for part in texts.split(", ")}
        return [mode for mode in Mode if mode in named]

    @property
    def criteria_of_2(self) -> list[Pair]:
        """Return the criteria of a 2.0 message, without what its report prints of every message."""
        usual, others = self.criteria[: len(_PRINTED_ALWAYS)], self.criteria[len(_PRINTED_ALWAYS) :]
        known = {self.written(label): (english(label), without) for label, without in _PRINTED_ALWAYS if without}
        found = [(*known[label], value) for label, value in usual if label in known]
        return [*((label, value) for label, without, value in found if value != self.written(without)), *others]

    def criterion(self, label: StrOrPromise) -> str:
        """Return a criterion that every report of 2.0 prints."""
        return dict(self.criteria[: len(_PRINTED_ALWAYS)]).get(self.written(label), "")


def read_header(rows: Sequence[Sequence[str]], *, own: bool, language: str = ENGLISH) -> ReportHeader:
    """Read the rows above the table. Those of this product are pairs; others may be one cell: "Sender: Office"."""
    pairs = [pair for row in rows if (pair := _pair(row, own))]
    if not own:
        return _by_labels(pairs)
    reply_to = spelling(REPLY_TO, language)
    reply = next((at for at in reversed(range(len(pairs))) if pairs[at][0] == reply_to), len(pairs))
    first = _begin_of_criteria(pairs[:reply], language)
    return ReportHeader(dict(pairs[:first]), pairs[first:reply], pairs[reply:], language)


def _pair(row: Sequence[str], own: bool) -> Pair | None:
    cells = [own_cell(cell) for cell in row] if own else [cell.strip() for cell in row if cell.strip()]
    if own:
        return (cells[0], cells[1]) if len(cells) > 1 and any(cells) else None
    if len(cells) == 1:
        label, colon, value = cells[0].partition(":")
        return (label.strip(), value.strip()) if colon else None
    return (cells[0].removesuffix(":"), cells[1]) if cells else None


def _begin_of_criteria(pairs: Sequence[Pair], language: str) -> int:
    labels = [label for label, value in pairs]
    last_figure = spelling(_LAST_FIGURE, language)
    if last_figure in labels:
        return labels.index(last_figure) + 1
    pairs_of_labels = list(pairwise(labels))
    district, calendar = _FIRST_CRITERIA
    first = spelling(district, language), spelling(calendar, language)
    return pairs_of_labels.index(first) if first in pairs_of_labels else len(pairs)


def _by_labels(pairs: list[Pair]) -> ReportHeader:
    detail = [pair for pair in pairs if squeezed(pair[0]) in map(squeezed, map(english, (REPLY_TO, BODY)))]
    return ReportHeader({label: value for label, value in pairs if (label, value) not in detail}, [], detail)


def body_of(text: str) -> str:
    """Return a body that is printed as this text: one that would be taken for markup becomes markup that shows it."""
    if html_to_text(text) == text:
        return text
    marked = f"<p>{'<br>'.join(html.escape(line, quote=False) for line in text.splitlines())}</p>"
    return marked if html_to_text(marked) == text else text


def has_phone(modes: Iterable[str]) -> bool:
    return any(mode in PHONE for mode in modes)
