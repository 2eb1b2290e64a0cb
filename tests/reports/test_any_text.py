"""No text whatever stops a document, leaves its row, or gets lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import pytest
from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.document import DUPLICATE, Column, Document, Rows, Text
from reports.writers import Format
from reports.writers.pdf.bidi import in_visual_order, levels
from reports.writers.pdf.fonts import NO_FACE, Fonts
from reports.writers.pdf.shaping import Piece, Style, cleaned
from tests.examples import examples
from tests.reports.documents import a_document, a_row, csv_rows, docx_rows, pdf_text, written

ISOLATED = "\u2068سعيد\u2069"
NEWER_THAN_PYTHON = "\U0001fa77\U0001f6dc\U0001e030\U00011f04\U00010eab"
NO_FONT = "\U00012000\u13a0\u1820\U0001e900\U00010400\ue000\U0010ffff\u0378"
MARKS = "\u0301\u0323\u0489\u20dd\u064b\u0651\u05b0\u093c\u0e31\u1a7f"
DIRECTIONS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\ufe0f\ufeff\U000e0061\U000e0100"
HALVES = "\ud800\udfff"
CONTROLS = "\0\t\n\r\x0b\x0c\x1c\x85\u2028\u2029"
ODD = NEWER_THAN_PYTHON + NO_FONT + MARKS + DIRECTIONS + INVISIBLE + HALVES + CONTROLS
COMMON = "aW .-@()[]{}12$%,سعيدאבกकिမြខ្王한🎉👩🏽\ufdfd" + DUPLICATE

ANY_CHARACTER = st.integers(0, 0x10FFFF).map(chr)
CHARACTERS = st.one_of(ANY_CHARACTER, st.sampled_from(ODD), st.sampled_from(COMMON))
TEXTS = st.text(CHARACTERS, max_size=40)
# One drawing of the characters for a whole document is much quicker than one for each of its texts.
DOCUMENTS = st.text(CHARACTERS, max_size=24).map(lambda text: document_of(text))


def document_of(text: str) -> Document:
    """A document that has a part of the text wherever a document has text."""
    size = -(-len(text) // 4)
    title, label, heading, body = (text[at * size : (at + 1) * size] for at in range(4))
    rows = Rows("Delivery Detail", [Column("Recipient"), Column("Student", 8)], [[text, text[::-1]]])
    return Document(
        title=title,
        subtitle=text,
        generated_on="12/02/2019 8:55 AM",
        header=[(label, title)],
        sections=[Text(heading, [("Message Body", body)]), rows],
    )


@pytest.mark.parametrize("part", range(8))
@pytest.mark.slow
@examples(10_000 // 8, of=40)
@given(document=DOCUMENTS)
def test_random_text_of_all_of_unicode_stops_no_pdf(document: Document, part: int) -> None:
    assert written(Format.PDF, document).endswith(b"%%EOF\n")


@pytest.mark.slow
@examples(50)
@given(document=DOCUMENTS)
def test_random_text_stops_no_format(document: Document) -> None:
    for format in Format:
        assert written(format, document)


@settings(max_examples=3)
@given(document=DOCUMENTS)
def test_a_few_random_texts_stop_no_format(document: Document) -> None:
    """The same with so few examples that it is tried at every save."""
    for format in Format:
        assert written(format, document)


@pytest.mark.parametrize(
    "text",
    [
        ISOLATED,
        f"مرحبا {NEWER_THAN_PYTHON}",
        "".join(map(chr, range(0xD800, 0xE000))),
        DIRECTIONS * 60,
        "\u2067(" * 400,
        "אב" + "(" * 600 + "]" * 600,
        "\u200d" * 500,
        "e" + MARKS * 80,
        " " * 5_000,
        "\ufdfd" * 50,
        "".join(map(chr, range(0x110000 - 600, 0x110000))),
    ],
    ids=lambda text: f"{text[:3]!a} and {len(text)} more",
)
def test_odd_text_stops_no_document(text: str) -> None:
    document = document_of(text)
    for format in Format:
        assert written(format, document)


@pytest.mark.slow
def test_every_character_is_printed_by_one_font_or_as_its_code_point() -> None:
    style = Style(Fonts(), size=8)
    for first in (*range(0, 0x3400, 64), *range(0xA000, 0xAC00, 64), *range(0xD700, 0x20000, 64), 0xE0000, 0x10FFC0):
        text = "".join(map(chr, range(first, first + 64)))
        assert ".notdef" not in drawn_names(style, text)


def drawn_names(style: Style, text: str) -> set[str]:
    """ ".notdef" if a glyph stands for no character."""
    return {
        ".notdef" if glyph == 0 else str(glyph)
        for font, code in codes(style.fonts, style.piece(text))
        for glyph, _ in [font.glyphs[code]]
    }


def codes(fonts: Fonts, piece: Piece) -> Iterator[tuple[object, int]]:
    by_label = {font.label: font for font in fonts._fonts.values()}
    font = fonts.get(0, 400)
    for label, digits in re.findall(r"/(G\d+) [\d.]+ Tf|(?<!ActualText )<([0-9A-F]*)>", piece[0]):
        font = by_label[label] if label else font
        for at in range(0, len(digits), 4):
            yield font, int(digits[at : at + 4], 16)


def text_in(fonts: Fonts, piece: Piece) -> str:
    """What a reader copies out of the piece, in the order of the page."""
    by_label = {font.label: font for font in fonts._fonts.values()}
    font, found, replaced = fonts.get(0, 400), [], False
    pattern = r"/(G\d+) [\d.]+ Tf|/ActualText <([0-9a-f]*)> >> BDC|(EMC)|<([0-9A-F]*)>"
    for label, actual, end, digits in re.findall(pattern, piece[0]):
        if label:
            font = by_label[label]
        elif actual:
            replaced = True
            found.append(bytes.fromhex(actual).decode("utf-16"))
        elif end:
            replaced = False
        elif not replaced:
            found += [font.means(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    return "".join(found)


@examples(300)
@given(text=TEXTS)
def test_whatever_is_printed_can_be_copied_again(text: str) -> None:
    fonts = Fonts()
    piece = Style(fonts, size=8).piece(text)
    assert sorted(text_in(fonts, piece)) == sorted(cleaned(text))


@pytest.mark.slow
@examples(300)
@given(text=TEXTS, width=st.floats(20, 300), limit=st.none() | st.integers(1, 4))
def test_every_line_of_any_text_fits_its_width(text: str, width: float, limit: int | None) -> None:
    lines = Style(Fonts(), size=8).lines(text, width, limit)
    assert 1 <= len(lines) <= (limit or len(lines))
    assert all(taken <= width + 0.01 for _, taken in lines)


@pytest.mark.slow
@examples(300)
@given(text=TEXTS | st.text("\u2066\u2067\u2068\u2069\u202a\u202e\u202cאa1()\u0301", max_size=60))
def test_every_character_of_any_text_has_a_direction(text: str) -> None:
    for base in (None, 0, 1):
        found = levels(text, base)
        assert len(found) == len(text)
        assert all(0 <= level <= 64 for level in found)


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        # As the reference implementation of UAX #9 has it.
        ("a\u2067b\u2069c", 0, [0, 0, 2, 0, 0]),
        ("a\u2068א\u2069c", 0, [0, 0, 1, 0, 0]),
        ("א\u2066b\u2069ג", 1, [1, 1, 2, 1, 1]),
        ("א\u2068b ג\u2069ד", 1, [1, 1, 2, 2, 3, 1, 1]),
        ("a\u2067א\u2066b\u2069\u2069", 0, [0, 0, 1, 1, 2, 1, 0]),
        ("\u2067א", 0, [0, 1]),  # without an end
        ("א\u2069ב", 1, [1, 1, 1]),  # without a beginning
    ],
)
def test_isolates_have_a_direction_of_their_own(text: str, base: int, expected: list[int]) -> None:
    assert levels(text, base) == expected


@examples(300)
@given(text=st.text("abאבجד12 .,-+()[]$%\u0301\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e", max_size=12))
def test_the_order_is_that_of_another_implementation_of_the_algorithm(text: str) -> None:
    text += "a"  # else the other one moves the blanks at the end of the line, which a line here does not have
    runs = in_visual_order(list(zip(levels(text), text, strict=True)), level=lambda run: run[0])
    assert without_marks(character for _, character in runs) == without_marks(get_display(text))


def without_marks(characters: Iterable[str]) -> str:
    """Without marks of direction, and without the side to which a bracket is open."""
    return "".join(characters).translate(dict.fromkeys(map(ord, DIRECTIONS))).replace("(", ")").replace("[", "]")


def test_a_joiner_parts_no_word() -> None:
    assert levels("ب\u200dب a", 1) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("mark", ["\u0301", "\u0323", "\u0489", "\u1ab0", "\u0363"])
def test_a_letter_with_120_marks_stays_in_its_row(mark: str) -> None:
    fonts = Fonts()
    style = Style(fonts, size=8)
    piece = style.piece("e" + mark * 120)
    assert text_in(fonts, piece) == "e" + mark * 120
    for low, high in inks(fonts, piece, size=8):
        assert -style.leading / 2 < low
        assert high < style.leading


def inks(fonts: Fonts, piece: Piece, *, size: float) -> Iterator[tuple[float, float]]:
    """How low and how high each glyph reaches, in points from the line on which letters stand."""
    by_label = {font.label: font for font in fonts._fonts.values()}
    font, rise = fonts.get(0, 400), 0.0
    for label, up, digits in re.findall(r"/(G\d+) [\d.]+ Tf|(-?[\d.]+) Ts|<([0-9A-F]{4})>", piece[0]):
        if label:
            font = by_label[label]
        elif up:
            rise = float(up)
        else:
            extents = font.shaper.get_glyph_extents(font.glyphs[int(digits, 16)][0])
            high = extents.y_bearing * font.scale * size / 1000
            yield rise + high + extents.height * font.scale * size / 1000, rise + high


@pytest.mark.parametrize("name", ["\U00012000\U00012001", "ᏣᎳᎩ", "ᠮᠣᠩᠭᠣᠯ", "𞤀𞤣𞤤𞤢𞤥", "𐐀𐐨", "ꗏ"])
def test_a_script_without_a_font_is_legible_as_its_code_points_and_copied_as_it_is(name: str) -> None:
    fonts = Fonts()
    assert {fonts.face_of[ord(letter)] for letter in name} == {NO_FACE}
    piece = Style(fonts, size=8).piece(f"Ann {name}")
    shown = "".join(font.means(f"{code:04X}") for font, code in codes(fonts, piece))
    assert shown == f"Ann [U+{' '.join(f'{ord(letter):04X}' for letter in name)}]"
    assert text_in(fonts, piece) == f"Ann {name}"


def test_a_name_that_is_isolated_comes_out_of_every_format() -> None:
    document = a_document([a_row(ISOLATED)])
    assert docx_rows(document)[0][0] == csv_rows(document)[1][0] == ISOLATED
    assert "سعيد" in pdf_text(document)
    assert unicodedata.normalize("NFC", ISOLATED) == ISOLATED
