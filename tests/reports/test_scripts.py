"""Any name prints, and can be read out of each format again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.writers.pdf.bidi import levels
from reports.writers.pdf.fonts import Fonts
from reports.writers.pdf.shaping import Style
from tests.reports.documents import a_document, a_row, csv_rows, docx_rows, pdf_text, together

NAMES = {
    "Hmong": "Vang, Paj Ntaub Tshiab",
    "Somali": "Xaabsade, Cabdi Raxmaan",
    "Vietnamese": "Nguyễn Thị Ánh Tuyết",
    "Vietnamese, decomposed": "Nguye\u0302\u0303n",
    "Chinese": "王小明",
    "Japanese": "鈴木一郎 さくら",
    "Korean": "김철수",
    "Arabic": "محمد بن سلمان",
    "Hebrew": "שלום כהן",
    "Devanagari": "कीर्ति शर्मा",
    "Amharic": "ሰላም ተስፋዬ",
    "Khmer": "ឈឹម សុខា",
    "Burmese": "အောင်ဆန်း",
    "Thai": "สมชาย ใจดี",
    "Tamil": "தமிழ்",
    "Russian": "Привет, Анна",
    "emoji": "Ann 🎉",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_comes_out_of_the_pdf_as_it_went_in(name):
    assert f"{name} Student, Calvin heather@example.org" in pdf_text(a_document([a_row(name)]))


def test_arabic_letters_are_joined():
    fonts = Fonts()
    Style(fonts, size=10).piece("جج")
    arabic = fonts.get(fonts.face_of[ord("ج")], 400)
    drawn = {glyph for glyph, _ in arabic.glyphs.values()}
    assert arabic.shaper.get_nominal_glyph(ord("ج")) not in drawn, "the letter stands alone"


WORDS = st.sampled_from(
    ["Wolfeschlegelstein", "a", "heather.parent@example.org", "محمد", "王小明", "कीर्ति", "🎉", "Ж" * 90]
)


@given(words=st.lists(WORDS, min_size=1, max_size=12), width=st.floats(30, 300), limit=st.integers(1, 5))
def test_no_line_is_wider_than_its_column(words, width, limit):
    lines = Style(Fonts(), size=8).lines(" ".join(words), width, limit)
    assert 1 <= len(lines) <= limit
    assert all(taken <= width + 0.01 for _, taken in lines)


def test_right_to_left_is_told_from_left_to_right():
    assert levels("אב ab") == [1, 1, 1, 2, 2]
    assert levels("ab אב") == [0, 0, 0, 1, 1]


def test_every_script_has_a_face_with_its_letters():
    fonts = Fonts()
    for script, name in NAMES.items():
        faces = {fonts.face_of[ord(letter)] for letter in name if letter.isalpha()}
        assert all(fonts.has(fonts.face_of[ord(c)], c) for c in name if c.isalpha()), script
        assert len(faces) <= 2, script


LETTERS = st.sampled_from("abcXYZéñüßżłŐæøđơưĐ АБЯжю ΑΩλ 王小明鈴木김철수 ሰላም -'.,0123456789&<>\"")
CELLS = st.text(LETTERS, min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=8))
def test_the_three_formats_hold_the_same_cells(rows):
    document = a_document(rows)
    assert docx_rows(document) == rows
    assert [[cell.removeprefix("'") for cell in row] for row in csv_rows(document)[1:]] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    text = together(pdf_text(document))
    place = 0
    for cell in (cell for row in rows for cell in row):
        place = text.index(together(cell), place) + len(together(cell))
