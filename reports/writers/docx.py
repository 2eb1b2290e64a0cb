"""DOCX: python-docx makes the document and its styles; the rows go directly into its XML.

In python-docx, each row of a table takes longer than the one before, and all rows are in memory. Readers have the same
problem: LibreOffice did not finish a table of 30,000 rows in twenty minutes. So every chunk of rows is a separate
table, with the heading row.
"""

import unicodedata
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

import docx
from django.utils.translation import gettext
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Inches, Pt

from core.statuses import Tone
from reports.document import Bar, Bars, Document, Figures, Rows, Section, Text
from reports.writers.page_number import page_of_pages
from reports.writers.progress import Progress, Row, in_chunks
from reports.writers.xml_text import printable

TABLE_STYLE = "Light List Accent 1"
BODY = "word/document.xml"
ROWS_GO_HERE = "rows-go-here"
LONGEST = 255
"""The most characters of a property of the document."""
LEAST_PART = Inches(0.22)
"""The least width of a part of a bar: it has room for its mark."""
QUICKLY = 1
"""The level of compression; rows compress well even at a low one."""

END_OF_TABLE = b"</w:tbl>"
# Two tables need a paragraph between them, or they become one table. This one is as low as possible.
BETWEEN_TABLES = (
    b'<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>'
    b'<w:rPr><w:sz w:val="2"/></w:rPr></w:pPr></w:p>'
)

RIGHT_TO_LEFT = frozenset({"R", "AL"})

CELL = (
    '<w:tc><w:p><w:pPr><w:pStyle w:val="Cell"/>{}</w:pPr><w:r>{}<w:t xml:space="preserve">%s</w:t></w:r></w:p></w:tc>'
)
ROW = "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
TO_RIGHT, TO_LEFT = CELL.format("", ""), CELL.format("<w:bidi/>", "<w:rPr><w:rtl/></w:rPr>")
# A row that stands out.
MARKED_CELL = '<w:tc><w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="F2DCDB"/></w:tcPr>'
FILLS = {
    Tone.GOOD: "6AA84F",
    Tone.RUNNING: "9FC5E8",
    Tone.WARNING: "FFD966",
    Tone.BAD: "CC4125",
    Tone.NEUTRAL: "D9D9D9",
}
RULES = f"""<w:tblBorders {nsdecls("w")}>
    <w:insideH w:val="single" w:sz="4" w:space="0" w:color="BFBFBF"/>
</w:tblBorders>"""
NARROW_MARGINS = f"""<w:tblCellMar {nsdecls("w")}>
    <w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>
</w:tblCellMar>"""


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    skeleton = BytesIO()
    _skeleton(document).save(skeleton)
    count = 0
    with ZipFile(skeleton) as made, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=QUICKLY) as written:
        for name in made.namelist():
            content = made.read(name)
            table = document.rows if name == BODY else None
            if table is None:
                written.writestr(name, content)
                continue
            before, after = _around_the_rows(content)
            with written.open(name, "w", force_zip64=True) as body:
                body.write(before)
                begin = END_OF_TABLE + BETWEEN_TABLES + before[before.rindex(b"<w:tbl>") :]
                for chunk in in_chunks(table.rows, progress):
                    if count:
                        body.write(begin)
                    body.write("".join(_row(row, table.marked) for row in chunk).encode())
                    count += len(chunk)
                body.write(after)
    return count


def _around_the_rows(content: bytes) -> tuple[bytes, bytes]:
    """Return the body's XML before and after the row that stands for all rows."""
    place = content.index(ROWS_GO_HERE.encode())
    end = content.index(b"</w:tr>", place) + len(b"</w:tr>")
    return content[: content.rindex(b"<w:tr>", 0, place)], content[end:]


def _row(row: Row, marked: str = "") -> str:
    cells = "".join(map(_cell, row))
    if marked and row[0] == marked:
        cells = cells.replace("<w:tc>", MARKED_CELL)
    return f"{ROW}{cells}</w:tr>"


def _cell(text: str) -> str:
    text = printable(text)
    return (TO_LEFT if goes_to_the_left(text) else TO_RIGHT) % escape(text)


def goes_to_the_left(text: str) -> bool:
    """Whether a paragraph runs from right to left: its first letter is Arabic, Hebrew or similar."""
    if text.isascii():
        return False
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL"))
    return next(strong, "L") in RIGHT_TO_LEFT


def _skeleton(document: Document) -> Any:
    made = docx.Document()
    _set_up(made, document)
    made.add_heading(printable(document.title), level=0)
    generated = (gettext("Generated on"), document.generated_on)
    _pairs(made, [("", document.subtitle), generated, *document.header], columns=1)
    for section in document.sections:
        _section(made, section)
    return made


def _set_up(made: Any, document: Document) -> None:
    properties = made.core_properties
    properties.language = document.language
    properties.title, properties.author = (printable(text)[:LONGEST] for text in (document.title, document.subtitle))
    properties.comments = ""
    properties.created = properties.modified = datetime.now(UTC)
    normal = made.styles["Normal"]
    normal.font.name = "Calibri"
    _size(normal, 10)
    normal.paragraph_format.space_after = Pt(2)
    _language(normal, document.language)
    cell = made.styles.add_style("Cell", 1)
    cell.base_style = normal
    _size(cell, 7 if document.rows and document.rows.crowded else 8.5)
    cell.paragraph_format.space_after = Pt(0)
    page = made.sections[0]
    page.page_width, page.page_height = Inches(8.5), Inches(11)
    if document.landscape:
        page.orientation = WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = page.page_height, page.page_width
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Inches(0.75)
    footer = page.footer.paragraphs[0]
    for text, field in zip(page_of_pages("\0", "\0").split("\0"), ("PAGE", "NUMPAGES"), strict=False):
        footer.add_run(text)
        footer._p.append(_field(field))


def _size(style: Any, points: float) -> None:
    """Of all scripts: Arabic, Hebrew and the like have a size of their own."""
    style.font.size = Pt(points)
    element = OxmlElement("w:szCs")
    element.set(qn("w:val"), str(int(points * 2)))
    style.element.get_or_add_rPr().find(qn("w:sz")).addnext(element)


def _language(style: Any, language: str) -> None:
    element = OxmlElement("w:lang")
    element.set(qn("w:val"), language)
    style.element.get_or_add_rPr().append(element)


def _field(name: str) -> Any:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    return field


def _section(made: Any, section: Section) -> None:
    made.add_heading(printable(section.heading), level=1)
    match section:
        case Figures():
            _pairs(made, section.pairs, section.columns)
        case Bars():
            for bar in section.bars:
                _labelled(made.add_paragraph(), bar.label, bar.legend)
                _bar(made, bar)
        case Text():
            for label, text in section.paragraphs:
                label_of = made.add_paragraph()
                label_of.paragraph_format.keep_with_next = True
                _labelled(label_of, label, "")
                for line in text.splitlines():
                    _line(made, line)
        case Rows():
            for line in section.legend:
                made.add_paragraph(printable(line))
            _table(made, section)


def _line(made: Any, text: str) -> None:
    paragraph = made.add_paragraph(printable(text))
    if goes_to_the_left(text):
        paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        paragraph.runs[0].font.rtl = True


def _pairs(made: Any, pairs: Any, columns: int) -> None:
    """Add labels and values side by side; the first half stands to the left."""
    if columns == 1:
        for label, value in pairs:
            _labelled(made.add_paragraph(), label, value)
        return
    half = -(-len(pairs) // 2)
    table = made.add_table(rows=half, cols=2)
    for place, (label, value) in enumerate(pairs):
        _labelled(table.cell(place % half, place // half).paragraphs[0], label, value)


def _bar(made: Any, bar: Bar) -> None:
    """Add a table of one row, in which each part has the width of its share, its color and its mark."""
    if not bar.shares:
        return
    page = made.sections[0]
    room = page.page_width - page.left_margin - page.right_margin
    table = made.add_table(rows=1, cols=len(bar.shares))
    table.autofit = False
    widths = [max(room * share, LEAST_PART) for _, share in bar.shares]
    for place, (part, _) in enumerate(bar.shares):
        cell = table.cell(0, place)
        cell.width = table.columns[place].width = int(room * widths[place] / sum(widths))
        cell.text = part.mark
        cell.paragraphs[0].style = "Cell"
        fill = FILLS[part.status.tone]
        cell._tc.get_or_add_tcPr().append(
            parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{fill}"/>')
        )


def _labelled(paragraph: Any, label: str, value: str) -> None:
    if label:
        paragraph.add_run(f"{printable(label)}: ").bold = True
    paragraph.add_run(printable(value))


def _table(made: Any, section: Rows) -> None:
    page = made.sections[0]
    room = page.page_width - page.left_margin - page.right_margin
    whole = sum(column.width for column in section.columns)
    table = made.add_table(rows=2, cols=len(section.columns), style=TABLE_STYLE)
    table.autofit = False
    look = table._tbl.tblPr.find(qn("w:tblLook"))
    table._tbl.tblPr.find(qn("w:tblLayout")).addprevious(parse_xml(RULES))
    look.addprevious(parse_xml(NARROW_MARGINS))
    # The style would print the first column as row headings, and frame every other row.
    for name, value in (("firstColumn", "0"), ("noHBand", "1"), ("val", "0620")):
        look.set(qn(f"w:{name}"), value)
    heading, stand_in = table.rows
    for place, column in enumerate(section.columns):
        table.columns[place].width = int(room * column.width / whole)
        heading.cells[place].text = printable(column.label)
        heading.cells[place].paragraphs[0].style = "Cell"
    for name in ("w:cantSplit", "w:tblHeader"):
        heading._tr.get_or_add_trPr().append(OxmlElement(name))
    stand_in.cells[0].text = ROWS_GO_HERE
