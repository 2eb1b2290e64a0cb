"""The fonts of a PDF: the font for a character, the codes of glyphs in the file, and the embedded subset."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import uharfbuzz
from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFDocument,
    PDFStream,
    PDFString,
    PDFZCompress,
)

K = TypeVar("K")
T = TypeVar("T")

FONTS = [
    ("Latin, Greek, Cyrillic", "fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    ("Arabic", "fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    ("Hebrew", "manimgx_fonts", "NotoSansHebrew[wght].ttf"),
    ("Devanagari", "fontpkg_noto_sans_devanagari", "files/NotoSansDevanagari[wdth,wght].ttf"),
    ("Ethiopic", "manimgx_fonts", "NotoSansEthiopic[wght].ttf"),
    ("Thai", "fontpkg_noto_sans_thai", "files/NotoSansThai[wdth,wght].ttf"),
    ("Khmer", "fontpkg_noto_sans_khmer", "files/NotoSansKhmer[wdth,wght].ttf"),
    ("Burmese", "manimgx_fonts", "NotoSansMyanmar[wght].ttf"),
    ("Lao", "manimgx_fonts", "NotoSansLao[wght].ttf"),
    ("Bengali", "manimgx_fonts", "NotoSansBengali[wght].ttf"),
    ("Gujarati", "manimgx_fonts", "NotoSansGujarati[wght].ttf"),
    ("Gurmukhi", "manimgx_fonts", "NotoSansGurmukhi[wght].ttf"),
    ("Tamil", "fontpkg_noto_sans_tamil", "files/NotoSansTamil[wdth,wght].ttf"),
    ("Telugu", "fontpkg_noto_sans_telugu", "files/NotoSansTelugu[wdth,wght].ttf"),
    ("Kannada", "manimgx_fonts", "NotoSansKannada[wght].ttf"),
    ("Malayalam", "manimgx_fonts", "NotoSansMalayalam[wght].ttf"),
    ("Odia", "manimgx_fonts", "NotoSansOriya[wght].ttf"),
    ("Sinhala", "manimgx_fonts", "NotoSansSinhala[wght].ttf"),
    ("Armenian", "manimgx_fonts", "NotoSansArmenian[wght].ttf"),
    ("Georgian", "manimgx_fonts", "NotoSansGeorgian[wght].ttf"),
    ("symbols", "manimgx_fonts", "NotoSansSymbols[wght].ttf"),
    ("Chinese, Japanese, Korean", "noto_cjk_sans_jp_regular", "NotoSansCJKjp-Regular.otf"),
    ("emoji", "manimgx_fonts", "NotoEmoji[wght].ttf"),
]
"""Script, package, and file, in the order of the search for a character. NOTICE names their origin."""

DEVANAGARI = range(0x900, 0x980)
"""Noto Sans has these, too, but misses some of their ligatures, such as श्व and श्च."""

NO_FACE = -1
"""Stands for a face where no font has a character."""

MOST_CODES = 50_000
LONGEST_MEANING = 32
"""Two bytes have 65,536 codes, and an entry of the ToUnicode map 512 bytes."""
BYTE_ORDER_MARK = "\ufeff"
"""PDF/UA-1, 7.21.7, lets no code stand for it."""

NOT_EMBEDDED = [
    int.from_bytes(tag, "big")
    for tag in (b"BASE", b"GDEF", b"GPOS", b"GSUB", b"OS/2", b"STAT", b"VORG", b"cmap", b"gasp", b"name", b"post")
]
"""Tables that turn text into glyphs. A PDF has the glyphs already, so it does not need them."""


@dataclass(frozen=True)
class Face:
    """A font file. `cff` says whether its outlines are CFF or TrueType."""

    name: str
    face: uharfbuzz.Face
    characters: uharfbuzz.Set
    cff: bool

    @classmethod
    def load(cls, path: Path) -> "Face":
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
        name = path.stem.partition("[")[0].replace("-", "")
        return cls(name, face, face.unicodes, "CFF " in face.table_tags)


@lru_cache(maxsize=1)
def faces() -> list[Face]:
    found = [Face.load(Path(str(files(package) / file))) for _, package, file in FONTS]
    found[0].characters.del_range(DEVANAGARI.start, DEVANAGARI.stop - 1)
    return found


class Computed(dict[K, T]):
    """A dict that computes a missing value once."""

    def __init__(self, compute: Callable[[K], T]) -> None:
        self.compute = compute

    def __missing__(self, key: K) -> T:
        value = self[key] = self.compute(key)
        return value


class Font:
    """A face in one weight, in one PDF file.

    Text is written with two bytes for each glyph. A code stands for a glyph *and* its text, because one glyph may be
    part of several letters (an Arabic letter without its dots): so the text can be read out of the file again. With CFF
    outlines, the file ties codes to glyphs: then a glyph has one code, and its first text counts.
    """

    def __init__(self, face: Face, *, weight: int, label: str) -> None:
        self.face = face
        self.weight = weight
        self.label = label
        self.shaper = uharfbuzz.Font(face.face)
        if face.face.has_var_data:
            self.shaper.set_variations({"wght": weight})
        self.scale: float = 1000 / face.face.upem
        extents = self.shaper.get_font_extents("ltr")
        self.ascent: int = round(extents.ascender * self.scale)
        self.descent: int = round(extents.descender * self.scale)
        self.glyphs: dict[int, tuple[int, str]] = {0: (0, "")}
        """The glyph and its text, by code."""
        self._codes: dict[tuple[int, str], int] = {}
        self.code_of = Computed(self._code_of)
        self.width_of: Computed[str, int] = Computed(lambda character: self.width(self._glyph_of(ord(character))))

    def code(self, glyph: int, meaning: str) -> str:
        """Return four hexadecimal digits for a glyph and its text; the text is "" if a glyph beside it has the text."""
        code = self._codes.get((glyph, meaning))
        if code is None:
            code = glyph if self.face.cff else len(self.glyphs)
            self.glyphs.setdefault(code, (glyph, meaning))
            self._codes[glyph, meaning] = code
        return f"{code:04X}"

    def can_carry(self, glyph: int, meaning: str) -> bool:
        """Whether there is a code for a glyph and its text. Where not, the text has to be written beside the glyph."""
        known = len(self.glyphs) < MOST_CODES or (glyph, meaning) in self._codes
        return known and len(meaning) <= LONGEST_MEANING and BYTE_ORDER_MARK not in meaning

    def means(self, code: str) -> str:
        return self.glyphs[int(code, 16)][1]

    def width(self, glyph: int) -> int:
        """Return the width of a glyph, in thousandths of the font size."""
        advance: int = self.shaper.get_glyph_h_advance(glyph)
        return round(advance * self.scale)

    def within_line(self, glyph: int, rise: int) -> int:
        """Return the height for a mark, at most so that it stays in its line; both in thousandths of the font size."""
        extents = self.shaper.get_glyph_extents(glyph)
        if extents is None:
            return rise
        top = extents.y_bearing * self.scale
        bottom = top + extents.height * self.scale
        height: int = round(max(self.descent - bottom, min(self.ascent - top, rise)))
        return height

    def _glyph_of(self, point: int) -> int:
        found: int | None = self.shaper.get_nominal_glyph(point)
        return found or 0

    def _code_of(self, point: int) -> str:
        return self.code(self._glyph_of(point), chr(point))

    def embed(self, document: PDFDocument) -> PDFDictionary:
        """Add the used part of the font to the document, and return its dictionary."""
        plan = uharfbuzz.SubsetPlan(self.face.face, self._subset())
        name = "/" + "".join(chr(ord("A") + int(digit)) for digit in self.label[1:].zfill(6)) + "+" + self.face.name
        descendant = {
            "Type": "/Font",
            "Subtype": "/CIDFontType0" if self.face.cff else "/CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": PDFDictionary(
                {"Registry": PDFString("Adobe"), "Ordering": PDFString("Identity"), "Supplement": 0}
            ),
            "FontDescriptor": document.Reference(self._descriptor(document, name, plan.execute())),
            "W": f"[{' '.join(f'{code} [{self.width(glyph)}]' for code, (glyph, _) in self.glyphs.items())}]",
        }
        if not self.face.cff:
            new = plan.old_to_new_glyph_mapping
            numbers = b"".join(new[glyph].to_bytes(2, "big") for glyph, _ in self.glyphs.values())
            descendant["CIDToGIDMap"] = document.Reference(stream(numbers))
        return PDFDictionary(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": name,
                "Encoding": "/Identity-H",
                "DescendantFonts": PDFArray([document.Reference(PDFDictionary(descendant))]),
                "ToUnicode": document.Reference(stream(self._meanings().encode("ascii"))),
            }
        )

    def _subset(self) -> uharfbuzz.SubsetInput:
        subset = uharfbuzz.SubsetInput()
        subset.glyph_set.update(glyph for glyph, _ in self.glyphs.values())
        subset.flags = (
            uharfbuzz.SubsetFlags.NO_HINTING
            | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
            | uharfbuzz.SubsetFlags.NO_LAYOUT_CLOSURE
        )
        subset.drop_table_tag_set.update(NOT_EMBEDDED)
        if self.face.face.has_var_data:
            subset.pin_all_axes_to_default(self.face.face)
            subset.pin_axis_location(self.face.face, "wght", self.weight)
        return subset

    def _descriptor(self, document: PDFDocument, name: str, face: uharfbuzz.Face) -> PDFDictionary:
        if self.face.cff:
            program = stream(bytes(face.reference_table("CFF ").data), Subtype="/CIDFontType0C")
        else:
            program = stream(bytes(face.blob.data))
        return PDFDictionary(
            {
                "Type": "/FontDescriptor",
                "FontName": name,
                "Flags": 4,  # its characters are not those of Latin 1
                "FontBBox": PDFArray([-1000, self.descent, 2000, self.ascent]),
                "ItalicAngle": 0,
                "Ascent": self.ascent,
                "Descent": self.descent,
                "CapHeight": 714,
                "StemV": 80,
                "FontFile3" if self.face.cff else "FontFile2": document.Reference(program),
            }
        )

    def _meanings(self) -> str:
        """Return the ToUnicode map."""
        lines = [
            f"<{code:04X}> <{meaning.encode('utf-16-be').hex()}>" for code, (_, meaning) in self.glyphs.items() if code
        ]
        parts = [lines[start : start + 100] for start in range(0, len(lines), 100)]
        return TO_UNICODE.format(
            "\n".join(f"{len(part)} beginbfchar\n{chr(10).join(part)}\nendbfchar" for part in parts)
        )


class Fonts:
    """The fonts of one PDF file, by face and weight. `language` is the language tag of the file."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._fonts: dict[tuple[int, int], Font] = {}
        self.face_of = Computed(self._face_of)

    def get(self, face: int, weight: int) -> Font:
        """Return the font for a face (an index into `faces()`) and a weight."""
        font = self._fonts.get((face, weight))
        if font is None:
            font = Font(faces()[face], weight=weight, label=f"G{len(self._fonts)}")
            self._fonts[face, weight] = font
        return font

    def has(self, face: int, character: str) -> bool:
        return face != NO_FACE and ord(character) in faces()[face].characters

    def _face_of(self, point: int) -> int:
        return next((place for place, face in enumerate(faces()) if point in face.characters), NO_FACE)

    def embed(self, document: PDFDocument) -> None:
        for font in self._fonts.values():
            document.idToObject["BasicFonts"][font.label] = document.Reference(font.embed(document))


TO_UNICODE = """\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def stream(content: bytes, **entries: str) -> PDFStream:
    made = PDFStream(content=content, filters=[PDFZCompress])
    for key, value in entries.items():
        made.dictionary[key] = value
    return made
