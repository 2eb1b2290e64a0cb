"""The table of a file: encoding, delimiter, heading row, quotes, limits."""

import pytest

from imports import table
from imports.table import UnreadableFile, encoding_label, encoding_of, guess_headers, read_table
from tests.imports.files import MAP, a_file

HEAD = "Recipient,Device"


def read(path):
    return read_table(path, lambda cells: MAP.places(cells) is not None, expected=MAP.expected)


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("cp1252", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encoding_and_delimiter_are_found(encoding, label, delimiter, tmp_path):
    lines = [["Recipient", "Device"], ["Peña, “Ana”", "ana@example.org"]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)
    found = read(a_file(tmp_path, text, encoding))
    assert (encoding_label(found.encoding), found.delimiter) == (label, delimiter)
    assert [row.cells for row in found.rows()] == lines[1:]


def test_title_rows_stand_above_the_heading_row_and_blank_rows_are_no_rows(tmp_path):
    found = read(
        a_file(tmp_path, f"Report of today\nSchool,High\n\n{HEAD}\nMai,m@example.org\n,\n\nAna,a@example.org\n")
    )
    assert (found.heading_row, found.above[1]) == (4, ["School", "High"])
    assert [(row.number, row.cells[0]) for row in found.rows()] == [(5, "Mai"), (8, "Ana")]


def test_cells_may_have_quotes_delimiters_and_line_ends(tmp_path):
    found = read(a_file(tmp_path, f'{HEAD}\n"Vang, ""M""\nai",m@example.org\n'))
    assert next(found.rows()).cells[0] == 'Vang, "M"\nai'


@pytest.mark.parametrize(
    ("text", "encoding", "reason"),
    [
        ("", "utf-8", "The file is empty"),
        ("Name,Address\nMai,m@example.org", "utf-8", "is a heading row with the columns Recipient, Device"),
        (f"{HEAD}\n", "utf-32", "UTF-32"),
        ("PK\x03\x04...", "utf-8", "compressed, or a workbook"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_with_a_sentence(text, encoding, reason, tmp_path):
    with pytest.raises(UnreadableFile, match=reason):
        read(a_file(tmp_path, text, encoding))


def test_bytes_of_no_encoding_are_refused(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"Recipient,Device\n\x81\xff,x")
    with pytest.raises(UnreadableFile, match="neither UTF-8"):
        encoding_of(path)


@pytest.mark.parametrize("bad", ['"Mai"x,y', '"Mai,y'])
def test_quotes_that_do_not_fit_end_the_reading(bad, tmp_path):
    found = read(a_file(tmp_path, f"{HEAD}\nAna,a@example.org\n{bad}\n"))
    with pytest.raises(UnreadableFile, match="Row 3 has quotes"):
        list(found.rows())


def test_there_is_a_limit_for_a_cell_and_for_rows(tmp_path, monkeypatch):
    found = read(a_file(tmp_path, f"{HEAD}\nA,b\n{'x' * (table.LONGEST_CELL + 1)},b\n"))
    with pytest.raises(UnreadableFile, match="Row 3 has a cell of more than 1,000,000 characters"):
        list(found.rows())
    monkeypatch.setattr(table, "MOST_ROWS", 1)
    found = read(a_file(tmp_path, f"{HEAD}\nA,b\nC,d\n"))
    with pytest.raises(UnreadableFile, match="more than 1 rows"):
        list(found.rows())


def test_the_headings_of_an_unknown_file_are_guessed(tmp_path):
    assert guess_headers(a_file(tmp_path, "My report\n\nParent;Email;Date\nMai;m@example.org;x\n")) == [
        *("Parent", "Email", "Date")
    ]
