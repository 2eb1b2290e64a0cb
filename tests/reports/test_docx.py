import io

import docx
from docx.oxml.ns import qn

from reports.document import DUPLICATE, Column, Rows, Text
from reports.writers import Format
from reports.writers.progress import CHUNK
from tests.reports.documents import a_document, a_row, docx_rows, written


def opened(document):
    return docx.Document(io.BytesIO(written(Format.DOCX, document)))


def test_it_has_real_headings():
    styles = {p.text: p.style.name for p in opened(a_document([a_row()])).paragraphs if p.style.name != "Normal"}
    assert styles == {
        "Sent Message Report": "Title",
        "Delivery Summary": "Heading 1",
        "Message Detail": "Heading 1",
        "Delivery Detail": "Heading 1",
    }


def test_it_has_a_table_style_and_repeats_the_heading_row():
    table = opened(a_document([a_row()])).tables[-1]
    assert table.style.name == "Light List Accent 1"
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None


def test_it_has_a_title_a_language_and_page_n_of_m():
    made = opened(a_document([a_row()], language="es-MX"))
    assert (made.core_properties.title, made.core_properties.language) == ("Sent Message Report", "es-MX")
    footer = made.sections[0].footer._element.xml
    assert 'w:instr="PAGE"' in footer
    assert 'w:instr="NUMPAGES"' in footer


def test_what_xml_cannot_hold_is_left_out():
    assert docx_rows(a_document([a_row("A\x00\x0b<b> & \ufffe]]>")]))[0][0] == "A<b> & ]]>"


def test_duplicate_addresses_carry_a_cross():
    assert docx_rows(a_document([a_row(device=f"a@example.org{DUPLICATE}")]))[0][2] == "a@example.org†"


def test_many_rows_are_several_tables_each_with_the_heading_row():
    tables = opened(a_document([a_row(f"Parent {number}") for number in range(CHUNK + 500)])).tables[-2:]
    assert [len(table._tbl.tr_lst) for table in tables] == [CHUNK + 1, 501]
    first, last = tables[0].rows, tables[-1].rows
    assert [cell.text for cell in first[0].cells] == [cell.text for cell in last[0].cells]
    assert last[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert (first[1].cells[0].text, last[-1].cells[0].text) == ("Parent 0", f"Parent {CHUNK + 499}")


def test_a_whole_chunk_leaves_no_table_without_rows():
    assert len(opened(a_document([a_row()] * CHUNK)).tables) == len(opened(a_document([a_row()])).tables)


def test_a_table_without_rows_has_its_heading_row():
    assert docx_rows(a_document([])) == []


def test_right_to_left_texts_say_so_and_others_do_not():
    body = Text("Message Detail", [("Message Body", "Bus 12 (שלום)\nבית הספר סגור (יום שלישי).")])
    made = opened(a_document([a_row("שלום כהן", student="Kim (שרה)")]))
    hebrew, mixed = made.tables[-1].rows[1].cells[:2]
    assert "<w:bidi/>" in hebrew._tc.xml
    assert "<w:rtl/>" in hebrew._tc.xml
    assert "<w:bidi/>" not in mixed._tc.xml
    *_, english, school = opened(a_document([], sections=[body])).paragraphs
    assert ["<w:bidi/>" in line._p.xml for line in (english, school)] == [False, True]


def test_many_columns_are_printed_smaller():
    few, many = (
        a_document([], sections=[Rows("Rows", [Column(str(number)) for number in range(columns)], [])])
        for columns in (9, 10)
    )
    assert [opened(document).styles["Cell"].font.size.pt for document in (few, many)] == [8.5, 7]
