"""Turns text into glyphs, in the right fonts, joined and ordered by the rules of its script; and into lines."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, islice, pairwise
from typing import NamedTuple

import uharfbuzz

from reports.document import DUPLICATE
from reports.writers.pdf.bidi import RIGHT_TO_LEFT, base_level, in_visual_order, levels
from reports.writers.pdf.fonts import NO_FACE, Font, Fonts
from reports.writers.pdf.languages import language_of

Piece = tuple[str, float]
"""PDF operators that write a text, and its width in points."""

CACHED = 10_000
"""The number of pieces that are cached: statuses and times repeat, names do not."""

PLAIN = re.compile(
    r"[ -~\u00a0-\u00ac\u00ae-\u02af\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03e1\u0400-\u0482\u048a-\u052f"
    r"\u1e00-\u1eff\u2010\u2013\u2014\u2018-\u2022\u2026\u20ac\u2122]*"
).fullmatch
"""Latin, Greek and Cyrillic letters: the first face has them all, each is one glyph, so they need no shaping."""

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufff8"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
).match
"""Joiners, direction marks, variant selectors and the like, which HarfBuzz never draws: they belong to the character
before them.
"""

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs: alone they are no text, and no encoding has them."""

IDEOGRAPHS = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
TOKENS = re.compile(
    rf"\s+|(?:[{IDEOGRAPHS}][、。，．！？：；）」』】〉》]*|[^\s@./_\-{IDEOGRAPHS}]+[@./_\-]*|[@./_\-]+)(?: [*†]$)?"  # noqa: RUF001
)
"""The parts after which a line may end: blanks, a Chinese or Japanese character, a word, a part of an address.

A sign that closes a sentence or a bracket begins no line, and the mark at the end of a cell stays with the last word.
"""

NO_KERNING = {"kern": False}
ELLIPSIS = "…"
JOINER = "\u200d"


class Paragraph(NamedTuple):
    """The properties of a line's paragraph: its direction, and the language of its Chinese characters."""

    base: int | None = None
    language: str | None = None


class Style:
    """A size (in points) and a weight. Between two pieces the style's own font is set; a text has to begin with it."""

    def __init__(self, fonts: Fonts, *, size: float, weight: int = 400) -> None:
        self.fonts = fonts
        self.size = size
        self.weight = weight
        self.own = fonts.get(0, weight)
        self.leading = round(size * 1.35, 1)
        self.piece = lru_cache(CACHED)(self._piece)

    @property
    def operators(self) -> str:
        return self._select(self.own)

    def _select(self, font: Font) -> str:
        return f"/{font.label} {self.size} Tf"

    def _piece(self, text: str, base: int | None = None, language: str | None = None) -> Piece:
        """Return the text on one line of any width. `base` and `language` are those of its `Paragraph`."""
        simple = text.isascii() and text.isprintable()
        text = text if simple else cleaned(text)
        if not base and (simple or PLAIN(text)):
            width = sum(map(self.own.width_of.__getitem__, text))
            return f"<{text.translate(self.own.code_of)}> Tj", width * self.size / 1000
        language = language or language_of(text, self.fonts.language)
        shaped = [self._drawn(face, run, level, language) for level, face, run in self._runs(text, base)]
        operators = [f"{self._select(font)} {drawn}" for font, drawn, _ in shaped]
        width = sum(width for _, _, width in shaped)
        return f"{' '.join(operators)} {self.operators}", width * self.size / 1000

    def _runs(self, text: str, base: int | None) -> list[tuple[int, int, str]]:
        """Return the parts of the text, each of one level and one face, from left to right."""
        directions = levels(text, base) if base or RIGHT_TO_LEFT(text) else [0] * len(text)
        face = 0
        runs: list[tuple[int, int, str]] = []
        for character, level in zip(text, directions, strict=True):
            face = self._face(character, level, before=face if runs else None)
            if runs and runs[-1][:2] == (level, face):
                runs[-1] = (level, face, runs[-1][2] + character)
            else:
                runs.append((level, face, character))
        return in_visual_order(runs, level=lambda run: run[0])

    def _face(self, character: str, level: int, before: int | None) -> int:
        """Return the face for a character. A mark gets the face of the character before it, so that letters stay whole.

        The same goes for blanks and punctuation between right-to-left words: readers order such words within one run.
        """
        if INVISIBLE(character):
            return 0 if before in (None, NO_FACE) else before
        together = "MPZ" if level % 2 else "M"
        if before is not None and unicodedata.category(character)[0] in together and self.fonts.has(before, character):
            return before
        return self.fonts.face_of[ord(character)]

    def _drawn(self, face: int, text: str, level: int, language: str) -> tuple[Font, str, int]:
        """Return a run's font, its operators, and its width in thousandths of the size."""
        if face == NO_FACE:
            return self._named(text)
        return self._shaped(self.fonts.get(face, self.weight), text, level, language)

    def _named(self, text: str) -> tuple[Font, str, int]:
        """Draw characters that no font has as their code points: [U+12000 12001]. Copied, they are the characters."""
        shown = f"[U+{' '.join(f'{ord(character):04X}' for character in text)}]"
        width = sum(map(self.own.width_of.__getitem__, shown))
        return self.own, _span(text, f"<{shown.translate(self.own.code_of)}> Tj"), width

    def _shaped(self, font: Font, text: str, level: int, language: str) -> tuple[Font, str, int]:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if level % 2 else "ltr"
        buffer.language = language
        uharfbuzz.shape(font.shaper, buffer, NO_KERNING)
        starts = sorted({info.cluster for info in buffer.glyph_infos})
        ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
        glyphs = [
            Glyph(info, position, font)
            for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
        ]
        drawn = [
            self._cluster(font, list(cluster), text[start : ends[start]])
            for start, cluster in groupby(glyphs, key=lambda glyph: glyph.cluster)
        ]
        return font, f"[{''.join(drawn)}] TJ", sum(glyph.advance for glyph in glyphs)

    def _cluster(self, font: Font, glyphs: list["Glyph"], meaning: str) -> str:
        """Return the operators for glyphs that together stand for a text. The widest glyph carries the text.

        If readers would then get a wrong extent or a wrong text, the text is written beside the glyphs (ActualText).
        """
        widest = max(glyphs, key=lambda glyph: glyph.advance)
        carried = meaning if font.can_carry(widest.number, meaning) else ""
        codes = [font.code(glyph.number, carried if glyph is widest else "") for glyph in glyphs]
        drawn = "".join(glyph.drawn(code, self.size) for glyph, code in zip(glyphs, codes, strict=True))
        exact = sum(glyph.advance > 0 for glyph in glyphs) <= 1 and "".join(map(font.means, codes)) == meaning
        if exact:
            return drawn
        return f"] TJ {_span(meaning, f'[{drawn}] TJ')} ["

    def lines(self, text: str, width: float, limit: int | None = None) -> list[Piece]:
        """Return the text in one or more lines of a width (in points). More than `limit` are cut with an ellipsis."""
        whole = self.piece(text)
        if whole[1] <= width:
            return [whole]
        text = cleaned(text)
        base = base_level(text) if RIGHT_TO_LEFT(text) else None
        paragraph = Paragraph(base, None if PLAIN(text) else language_of(text, self.fonts.language))
        lines = self._wrapped(text, width, paragraph)
        first = list(islice(lines, limit))
        if next(lines, None) is not None:
            first[-1] = self._cut(first[-1], width, paragraph)
        return [_narrowed(self.piece(line, *paragraph), width) for line in first] or [self.piece("")]

    def _wrapped(self, text: str, width: float, paragraph: Paragraph) -> Iterator[str]:
        line, taken = "", 0.0
        for token in TOKENS.findall(text):
            for part in self._parts(token, width, paragraph):
                if not line and part.isspace():
                    continue
                longer = self._longer(line, taken, part, paragraph)
                if longer > width and line and not part.isspace():
                    yield line.rstrip()
                    line, longer = "", self._width(part, paragraph)
                line += part
                taken = longer
        if line:
            yield line.rstrip()

    def _parts(self, token: str, width: float, paragraph: Paragraph) -> Iterator[str]:
        """Yield the parts of a word that a line can have: the whole word, else its letters with their marks."""
        if token.isspace() or self._width(token, paragraph) <= width:
            yield token
            return
        for part in graphemes(token):
            yield from [part] if self._width(part, paragraph) <= width else part

    def _longer(self, line: str, taken: float, part: str, paragraph: Paragraph) -> float:
        """Return the width of a line with one more part. Joined letters have another width than the single ones."""
        plain = not paragraph.base and PLAIN(line) and PLAIN(part)
        return taken + self._width(part, paragraph) if plain else self._width(line + part, paragraph)

    def _cut(self, text: str, width: float, paragraph: Paragraph) -> str:
        """Return the beginning of the text that fits, with an ellipsis."""
        kept, taken = "", 0.0
        room = width - self._width(ELLIPSIS, paragraph)
        for part in graphemes(text):
            taken = self._longer(kept, taken, part, paragraph)
            if taken > room:
                break
            kept += part
        return kept.rstrip() + ELLIPSIS

    def _width(self, text: str, paragraph: Paragraph) -> float:
        return self.piece(text, *paragraph)[1]


class Glyph:
    """A glyph and its position from the shaper, in thousandths of the size."""

    __slots__ = ("advance", "cluster", "number", "width", "x", "y")

    def __init__(self, info: uharfbuzz.GlyphInfo, position: uharfbuzz.GlyphPosition, font: Font) -> None:
        self.number = info.codepoint
        self.cluster = info.cluster
        self.width = font.width(info.codepoint)
        self.advance, self.x, y = (
            round(value * font.scale) for value in (position.x_advance, position.x_offset, position.y_offset)
        )
        self.y = y and font.within_line(info.codepoint, y)

    def drawn(self, code: str, size: float) -> str:
        """Return its part of the array of a TJ operator. Numbers in the array move to the left."""
        before = f"{-self.x}" if self.x else ""
        move = self.width + self.x - self.advance
        after = f"{move}" if move else ""
        drawn = f"{before}<{code}>{after}"
        if self.y:
            return f"] TJ {self.y * size / 1000:.2f} Ts [{drawn}] TJ 0 Ts ["
        return drawn


def cleaned(text: str) -> str:
    """Return the text as it is printed on one line."""
    if DUPLICATE in text:
        text = text.replace(DUPLICATE, "†")
    return text if text.isprintable() else HALF_CHARACTERS.sub("\ufffd", CONTROLS.sub(" ", text))


def graphemes(text: str) -> list[str]:
    """Return the parts of the text that stay whole: characters with their marks, and joined ones."""
    starts = [place for place in range(len(text)) if not place or not _goes_with(text[place - 1], text[place])]
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def _goes_with(before: str, character: str) -> bool:
    return before == JOINER or unicodedata.category(character)[0] == "M" or INVISIBLE(character) is not None


def _span(text: str, drawn: str) -> str:
    """Return operators whose drawing stands for a text (ActualText)."""
    return f"/Span << /ActualText <{utf16(text)}> >> BDC {drawn} EMC"


def _narrowed(piece: Piece, width: float) -> Piece:
    """Return a piece that fits into a width. A single character may be wider; then it is drawn narrower."""
    operators, taken = piece
    return piece if taken <= width else (f"{100 * width / taken:.2f} Tz {operators} 100 Tz", width)


def utf16(text: str) -> str:
    """Return text in hexadecimal digits of UTF-16, as PDF needs it outside of pages."""
    return ("\ufeff" + text).encode("utf-16-be").hex()
