"""The cells of a table: what a column declares, what a page shows, what a file says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import lxml.html
import pytest
from django.utils.html import format_html

from listings.cells import cells_of
from listings.columns import (
    ROW_LINK,
    WIDE,
    AddressColumn,
    Column,
    ListingTable,
    NumberColumn,
    StatusColumn,
    TextColumn,
    TimeColumn,
)
from tests.listings.letter_log import STATUSES, Letter

HOSTILE = '<script>alert(\'x\')</script>" onclick="alert(1)" &amp;'


@dataclass
class Person:
    name: str = "Vang, Mai"
    boss: "Person | None" = None


@dataclass
class Row:
    status: str = "sent"
    at: datetime | None = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    name: str = "Bus 14"
    pages: int | None = 12_304
    person: Person | None = field(default_factory=Person)
    tags: list[str] = field(default_factory=list)


class RowTable(ListingTable):
    status = StatusColumn(STATUSES)
    at = TimeColumn(verbose_name="Posted")
    name = Column(attrs=ROW_LINK | WIDE, linkify=lambda record: f"/letters/?name={record.name}")
    pages = NumberColumn(default="none")
    who = Column(accessor="person__name")
    boss = Column(accessor="person__boss__name")
    tags = Column(empty_values=())

    def render_tags(self, value: list[str]) -> str:
        return ", ".join(value) or "no tags"

    def value_tags(self, record: Row, column: Column, table: "RowTable") -> str:
        return f"{column.name} of {record.name}: {len(record.tags)}, {table.listing}"


def shown(*rows: Any, table_class: type[ListingTable] = RowTable, **options: Any) -> lxml.html.HtmlElement:
    return lxml.html.fragment_fromstring(f"<table>{table_class(rows, **options).body}</table>")


def texts(row: Any) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in shown(row).xpath(".//td")]


def words(row: Any) -> list[str]:
    table = RowTable(listing="a list")
    return [cells.text(table, row) for cells in cells_of(RowTable, type(row)).values()]


def test_a_page_and_a_file_show_the_same_in_their_own_way():
    assert texts(Row()) == ["✓ Sent", "11/20/2026 12:00 PM", "Bus 14", "12,304", "Vang, Mai", "—", "no tags"]
    assert words(Row()) == [
        "Sent",
        "11/20/2026 12:00 PM",
        "Bus 14",
        "12304",
        "Vang, Mai",
        "",
        "tags of Bus 14: 0, a list",
    ]


def test_what_is_missing_has_a_default_on_the_page_and_nothing_in_a_file():
    row = Row(at=None, pages=None, person=None)
    assert texts(row) == ["✓ Sent", "—", "Bus 14", "none", "—", "—", "no tags"]
    assert words(row)[1:6] == ["", "Bus 14", "", "", ""]


def test_a_status_that_nobody_knows_is_shown_as_it_is():
    assert texts(Row(status="burnt"))[0] == "○ burnt"
    assert words(Row(status="burnt"))[0] == "burnt"


def test_the_label_of_a_choice_stands_for_its_value():
    class ChoiceTable(ListingTable):
        status = Column()

    assert ">Lost</td>" in ChoiceTable([Letter(status="lost")]).body


def test_rows_may_be_mappings():
    class PagesTable(ListingTable):
        pages = NumberColumn()
        absent = Column()

    assert ">—</td>" in PagesTable([{"pages": 1_000}]).body
    assert "1,000" in PagesTable([{"pages": 1_000}]).body


def test_cells_have_the_attributes_of_their_column():
    cells = shown(Row()).xpath(".//td")
    classes = ["outcome card-1", "time", "wide identity card-2", "number", None, None, None]
    assert [cell.get("class") for cell in cells] == classes
    (link,) = shown(Row(name="a&b")).xpath(".//a")
    assert (link.get("class"), link.get("href"), link.text) == ("row-link", "/letters/?name=a&b", "a&b")


def test_numbers_of_a_plain_column_have_separators():
    class PlainTable(ListingTable):
        pages = Column()

    assert ">12,304</td>" in PlainTable([Row()]).body


def test_nothing_of_a_row_becomes_html():
    row = Row(HOSTILE, name=HOSTILE, person=Person(HOSTILE, boss=Person(HOSTILE)), tags=[HOSTILE])
    table = shown(row)

    assert not table.xpath(".//script | .//*[@onclick]")
    plain = [" ".join(cell.text_content().split()) for cell in table.xpath(".//td")]
    assert plain == [f"○ {HOSTILE}", "11/20/2026 12:00 PM", HOSTILE, "12,304", HOSTILE, HOSTILE, HOSTILE]
    assert table.xpath(".//a/@href") == [f"/letters/?name={HOSTILE}"]


def test_only_what_is_marked_as_safe_is_html():
    class SafeTable(ListingTable):
        name = Column()
        pages = Column()

        def render_name(self, value: str) -> str:
            return format_html("<b>{}</b>", value)

        def render_pages(self, value: int) -> str:
            return f"<b>{value}</b>"

    body = SafeTable([Row(name="<i>")]).body
    assert "><b>&lt;i&gt;</b></td>" in body
    assert ">&lt;b&gt;12304&lt;/b&gt;</td>" in body


def test_a_cell_says_its_column_where_a_row_is_a_card():
    labels = shown(Row()).xpath(".//td/@data-label")
    assert labels == [column.header for column in RowTable().shown]
    assert shown(Row()).xpath(".//tr/@role | .//td/@role") == ["row", *["cell"] * len(labels)]


def test_a_long_text_opens_to_the_whole_and_an_address_has_it_as_title():
    class LongTable(ListingTable):
        name = TextColumn()
        pages = AddressColumn()

    long = "word " * 60
    table = LongTable([Row(name=long)])
    folded = lxml.html.fromstring(f"<table>{table.body}</table>")
    assert folded.xpath("string(.//details/summary)").endswith("word …")
    assert long.strip() in folded.xpath("string(.//details)")
    assert folded.xpath("string(.//span[@class='line']/@title)") == "12304"
    assert "details" not in LongTable([Row(name="short")]).body


def test_who_hides_columns_keeps_what_a_row_is_about_and_how_it_went():
    table = RowTable()
    table.hidden = [column.name for column in table.offered]
    assert [column.name for column in table.shown] == [table.outcome_column, table.identity_column]


class ShortTable(RowTable):
    extra = Column(accessor="name")
    pages = NumberColumn(verbose_name="Sheets")

    class Meta:
        exclude = ("tags", "who", "boss")
        sequence = ("extra", "status", "at", "name", "pages")


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (RowTable(), "status at name pages who boss tags"),
        (RowTable(exclude=["status", "tags"]), "at name pages who boss"),
        (ShortTable(), "extra status at name pages"),
    ],
)
def test_a_table_has_the_columns_of_its_bases_less_those_that_are_left_out(table: ListingTable, names: str):
    assert list(table.columns) == names.split()
    assert len(lxml.html.fragment_fromstring(f"<table>{type(table)([Row()]).body}</table>").xpath(".//td"))


def test_headers_are_given_or_made_of_the_name():
    assert [column.header for column in ShortTable().columns.values()] == [
        "Extra",
        "Status",
        "Posted",
        "Name",
        "Sheets",
    ]


def test_a_table_without_rows_has_no_body():
    assert RowTable().body == ""
