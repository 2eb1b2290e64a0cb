"""Any name prints, and can be read out of each format again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.writers.pdf.bidi import levels
from reports.writers.pdf.fonts import Fonts
from reports.writers.pdf.languages import language_of
from reports.writers.pdf.shaping import Style
from tests.examples import examples
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


@pytest.mark.slow
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


LETTERS = st.sampled_from(
    [
        *"abcXYZéñüßżłŐæøđơưĐ АБЯжю ΑΩλ 王小明鈴木김철수 ሰላም -'.,0123456789&<>\"",
        "की",
        "र्ति",
        "শ্রী",
        "ਪ੍ਰੀ",
        "ழ்",
        "ชา",
        "កុ",
    ]
)
CELLS = st.lists(LETTERS, min_size=1, max_size=60).map(lambda letters: " ".join("".join(letters).split())).filter(bool)


@pytest.mark.slow
@examples(25)
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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Cabdi Raxmaan", "es-MX"),
        ("王小明", "zh-Hans"),  # in all sets of characters
        ("刘海", "zh-Hans"),
        ("陳海", "zh-Hant"),
        ("陳海 (刘海)", "zh-Hans"),  # in no set together
        ("田沢", "ja"),
        ("鈴木 さくら", "ja"),
        ("直樹 ナオキ", "ja"),
        ("金海 김해", "ko"),
        ("Ann 🎉 王", "zh-Hans"),
    ],
)
def test_the_language_of_a_name_is_guessed_from_its_characters(text: str, language: str) -> None:
    assert language_of(text, "es-MX") == language


def test_the_language_of_a_document_counts_where_the_text_says_nothing_else() -> None:
    for document in ("ja", "ko-KR", "zh-TW", "ZH"):
        assert language_of("王海", document) == document
    assert language_of("王海", "en") == "zh-Hans"
    assert language_of("김해 海", "ja") == "ko"
    assert language_of("Ann", "ja") == "ja"


# The numbers of glyphs in Noto Sans CJK: of the Japanese form, the simplified Chinese one, and the traditional one.
FORMS = {
    "骨": (45132, 45133, 45134),
    "直": (27873, 27874, 27874),
    "海": (23486, 23487, 23487),
    "角": (37448, 37449, 37448),
    "令": (9808, 9809, 9810),
    "返": (40109, 40110, 40111),
    "誤": (37872, 37873, 37874),
}


def glyphs(text: str, language: str = "en") -> list[int]:
    """Those that a PDF in a language has for the Chinese characters of a text."""
    fonts = Fonts(language)
    Style(fonts, size=8).piece(text)
    used = fonts.get(fonts.face_of[ord("海")], 400).glyphs.values()
    return [glyph for glyph, meaning in used if meaning in FORMS]


@pytest.mark.parametrize("character", FORMS)
def test_chinese_names_have_chinese_forms(character: str) -> None:
    japanese, simplified, traditional = FORMS[character]
    # Alone, a character is simplified Chinese where that has it: 誤 is traditional or Japanese.
    assert glyphs(character) == [traditional if character == "誤" else simplified]
    assert glyphs(f"刘{character}", "es-MX") == [simplified]
    assert glyphs(f"陳{character}") == [traditional]
    assert glyphs(f"さくら{character}") == [japanese]
    assert glyphs(character, "ja-JP") == [japanese]


def test_each_line_has_the_forms_of_its_paragraph() -> None:
    fonts = Fonts()
    style = Style(fonts, size=8)
    first, second = style.lines("海海さく", style.piece("海海")[1])
    assert first == style.piece("海海", None, "ja") != style.piece("海海")
    assert second == style.piece("さく")


@pytest.mark.parametrize("name", ["骨直海角令返誤", "陳誤海", "鈴木海 さくら", "김 海", "戶海", "。、「海」陳"])
def test_what_has_forms_of_a_language_comes_out_as_it_went_in(name: str) -> None:
    assert f"{name} Student, Calvin" in pdf_text(a_document([a_row(name)]))


def test_two_characters_with_one_form_stay_apart() -> None:
    piece, _ = Style(Fonts(), size=8).piece("户戸")
    assert "/ActualText <feff6238>" in piece


ARABIC = st.sampled_from(["محمد", "سلمان", "جج", "فاطمة"])
HEBREW = st.sampled_from(["שלום", "כהן", "שרה"])


@pytest.mark.slow
@examples(25)
@given(words=st.lists(ARABIC, min_size=1, max_size=3) | st.lists(HEBREW, min_size=1, max_size=3))
def test_words_from_right_to_left_come_out_in_their_order(words):
    name = " ".join(words)
    document = a_document([a_row(name)])
    assert docx_rows(document)[0][0] == csv_rows(document)[1][0] == name
    assert f"{name} Student, Calvin" in pdf_text(document)


@pytest.mark.slow
@examples(25)
@given(name=st.lists(ARABIC | HEBREW | st.sampled_from(["David", "(", ")", "12", "-", "Ж"]), min_size=1, max_size=3))
def test_whatever_stands_between_words_from_right_to_left_nothing_is_lost(name):
    # A PDF holds the text as it is seen. Readers turn words around again, but each has rules of its own for the numbers
    # and brackets between them: what they find is compared without its order.
    name = " ".join(name)
    document = a_document([a_row(name)])
    assert docx_rows(document)[0][0] == name
    (line,) = [line for line in pdf_text(document).splitlines() if "Student, Calvin" in line]
    cell = line.partition("Student, Calvin")[0]
    assert sorted(together(cell)) == sorted(together(name))


@pytest.mark.parametrize(
    ("text", "level"), [("כהן (David) Smith", 1), ("Kim (אב) 12", 0), ("אב (גד) 12", 1), ("a [אב (b)] ג", 0)]
)
def test_both_brackets_of_a_pair_go_in_one_direction(text, level):
    found = levels(text)
    assert {found[place] for place, character in enumerate(text) if character in "()[]"} == {level}


def test_a_line_goes_in_the_direction_of_its_paragraph():
    assert levels("(אב)", base=0) == [0, 1, 1, 0]
    style = Style(Fonts(), size=8)
    first, second = style.lines("Not Confirmed (אבגדה והזחט)", style.piece("Not Confirmed (אבגדה")[1] + 1)
    assert first == style.piece("Not Confirmed (אבגדה", 0)
    assert second == style.piece("והזחט)", 0) != style.piece("והזחט)")


@pytest.mark.parametrize("words", [3, 4, 30])
def test_what_is_cut_ends_in_an_ellipsis(words):
    style = Style(Fonts(), size=8)
    wide = style.piece("wwwwww")[1]
    lines = style.lines(" ".join(["wwwww"] * words), wide, limit=2)
    assert lines == [style.piece("wwwww"), style.piece("wwww…")]


def test_a_mark_and_the_end_of_a_sentence_begin_no_line():
    style = Style(Fonts(), size=8)
    for text, whole, last in (("Cabdi Raxmaan *", "Cabdi Raxmaan", "Raxmaan *"), ("学校停课。", "学校停课", "课。")):
        assert style.lines(text, style.piece(whole)[1])[-1] == style.piece(last)
