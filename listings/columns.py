"""The columns of a list: their names, their order, and what their cells show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.forms.utils import flatatt
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from core.dates import time_text
from core.statuses import UNKNOWN, Status
from listings.cells import cells_of, reader
from listings.elements import badge, folded, one_line, time_element

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

__all__ = [
    "ON_SCREEN",
    "ROW_LINK",
    "WIDE",
    "AddressColumn",
    "Column",
    "ListingTable",
    "NumberColumn",
    "StatusColumn",
    "TemplateColumn",
    "TextColumn",
    "TimeColumn",
    "time_element",
    "time_text",
]

# From so many columns on, a table is dense, or as dense as can be.
DENSE, DENSEST = 7, 9

# HTML attributes by element: "a" (the link of a cell), "th", "td", or "cell" for both.
Attributes = Mapping[str, Mapping[str, str]]

# attrs of a column whose link opens the row: a click anywhere in the row follows this link.
ROW_LINK = {"a": {"class": "row-link"}}
# attrs of a column of longer texts: it gets more width than others.
WIDE = {"cell": {"class": "wide"}}
# attrs of a column of buttons: a printed page leaves it out.
ON_SCREEN = {"cell": {"class": "on-screen"}}


def _as_it_is(value: Any) -> Any:
    return value


class Column:
    """One column of a list: one line in the class of its table.

    `accessor` leads from the row to the value, such as "recipient__name"; the usual one is the name of the column. The
    label stands for the value of a field with choices. `order_by` is the path to sort by, where it is not the accessor.
    `default` is shown in place of `empty_values`; a file has nothing there. `linkify` returns the address that the cell
    links to, or None. It may take `record`, `value` and `table`; True stands for `get_absolute_url` of the row. Without
    `on_page`, only a file has the column. Without `at_first`, a page has it only for people who choose it.

    A subclass makes the cell in `render` and, if a file has other words, in `value`. A table does so for one column, in
    `render_NAME` and `value_NAME`. Each of them takes, by name, what it needs of `value`, `record`, `table` and
    `column`. What they return is escaped, unless it is marked as safe, as by format_html.
    """

    # The statuses that a ? in the header explains.
    legend: Collection[Status] = ()
    # Its name in the class of the table.
    name = ""

    def __init__(
        self,
        verbose_name: StrOrPromise = "",
        *,
        accessor: str = "",
        order_by: str = "",
        orderable: bool = True,
        initial_sort_descending: bool = False,
        default: str = "—",
        empty_values: Collection[Any] = (None, ""),
        linkify: Callable[..., str | None] | bool = False,
        on_page: bool = True,
        at_first: bool = True,
        exclude_from_export: bool = False,
        attrs: Attributes | None = None,
    ) -> None:
        self._header, self.accessor, self.order_by = verbose_name, accessor, order_by
        self.orderable, self.initial_sort_descending = orderable, initial_sort_descending
        self.default, self.empty_values = default, empty_values
        self.linkify = linkify
        self.on_page, self.at_first, self.exclude_from_export = on_page, at_first, exclude_from_export
        self.attrs = attrs or {}

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        if isinstance(self._header, str):
            # A lazy text is none, and cannot be read at this time.
            self._header = self._header or capfirst(name.replace("_", " "))
        self.accessor = self.accessor or name
        self.order_by = self.order_by or self.accessor
        # Takes a row, and returns the value as it is stored; None if a related row is missing.
        self.stored = reader(self.accessor)

    @property
    def header(self) -> str:
        """The name that people read."""
        return str(self._header)

    def attributes(self, element: str) -> Mapping[str, str]:
        """Return the HTML attributes of an element of this column: "th", "td" or "a"."""
        usual = {} if element == "a" else self.attrs.get("cell", {})
        return self.attrs.get(element, usual)

    @property
    def th(self) -> SafeString:
        """The attributes of the header cell, as HTML."""
        return flatatt(dict(self.attributes("th")))

    # The methods of subclasses take what they need, so these have no signature.
    render: Any = staticmethod(_as_it_is)
    value: Any = None


class TimeColumn(Column):
    """A time in the district's zone; the title of the cell names the zone. With `seconds`, seconds are shown."""

    def __init__(self, *args: Any, seconds: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("initial_sort_descending", True)
        kwargs.setdefault("attrs", {"cell": {"class": "time"}})
        super().__init__(*args, **kwargs)
        self.seconds = seconds

    def render(self, value: datetime) -> SafeString:
        return time_element(value, seconds=self.seconds)

    def value(self, value: datetime) -> str:
        return time_text(value, seconds=self.seconds)


class NumberColumn(Column):
    """A number: with separators on the screen (12,304), without them in an export."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("attrs", {"cell": {"class": "number"}})
        super().__init__(*args, **kwargs)

    def render(self, value: int) -> str:
        return f"{value:,}"

    def value(self, value: int) -> int:
        return value


class AddressColumn(Column):
    """An e-mail address or a number: on one line. One that is too long for it ends in "…"; its title is the whole."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["attrs"] = {"cell": {"class": "address"}} | kwargs.get("attrs", {})
        super().__init__(*args, **kwargs)

    def render(self, value: Any) -> SafeString:
        return one_line(str(value))

    def value(self, value: Any) -> Any:
        return value


class TextColumn(Column):
    """A text of any length: of a long one, a page shows the beginning, and the rest on demand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("attrs", WIDE)
        super().__init__(*args, **kwargs)

    def render(self, value: Any) -> SafeString | str:
        return folded(str(value))

    def value(self, value: Any) -> Any:
        return value


class StatusColumn(Column):
    """A status as word, shape and color; a ? in the header explains all of them.

    `statuses` maps the stored values to statuses. A value that is not in it is shown as it is.
    """

    def __init__(self, statuses: Mapping[Any, Status], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statuses = statuses
        self.legend = list(dict.fromkeys(statuses.values()))

    def status(self, record: Any) -> Status:
        # `value` would be the label if the field has choices.
        value = self.stored(record)
        return self.statuses.get(value) or Status(str(value), UNKNOWN.shape, UNKNOWN.tone)

    def render(self, record: Any) -> SafeString:
        return badge(self.status(record))

    def value(self, record: Any) -> str:
        # A status keeps its English word in a file.
        return self.status(record).in_english


class TemplateColumn(Column):
    """A cell of its own template, such as one with a form. It takes long: for lists of a few rows.

    The template reads `record` and `value`, and `request` if the table has it.
    """

    def __init__(self, template_name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.template_name = template_name

    def render(self, record: Any, value: Any, table: ListingTable) -> SafeString:
        return render_to_string(self.template_name, {"record": record, "value": value}, request=table.request)

    def value(self, record: Any, value: Any, table: ListingTable) -> str:
        return strip_tags(self.render(record, value, table)).strip()


class ListingTable:
    """The columns of a list, and the rows of one page of it.

    A column that may be NULL cannot be sorted by: declare it with orderable=False. A subclass has the columns of its
    base classes, too; `exclude` and `sequence` of its class Meta leave some out, and put them in an order.

    `identity_column` and `outcome_column` name two columns: the one that says what the row is about, and the one that
    says how it went. They stay in view when the table scrolls sideways, and nobody can hide them. Usually they are the
    column that opens the row (without one: the first), and the first status. `card_columns` names the columns that a
    narrow screen shows first, where each row is a card; usually these two.
    """

    base_columns: ClassVar[Mapping[str, Column]] = {}
    identity_column: ClassVar[str] = ""
    outcome_column: ClassVar[str] = ""
    card_columns: ClassVar[Collection[str]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        columns: dict[str, Column] = {}
        for base in reversed(cls.__bases__):
            columns |= getattr(base, "base_columns", {})
        columns |= {name: each for name, each in vars(cls).items() if isinstance(each, Column)}
        meta = vars(cls).get("Meta")
        sequence, excluded = getattr(meta, "sequence", tuple(columns)), getattr(meta, "exclude", ())
        cls.base_columns = {name: columns[name] for name in sequence if name not in excluded}
        cls._find_places()

    @classmethod
    def _find_places(cls) -> None:
        """Set the places that the class itself does not name."""
        shown = [column for column in cls.base_columns.values() if column.on_page]
        opening = [column.name for column in shown if "row-link" in column.attributes("a").get("class", "")]
        usual = {
            "identity_column": [*opening, *(column.name for column in shown), ""][0],
            "outcome_column": next((column.name for column in shown if isinstance(column, StatusColumn)), ""),
        }
        for place, name in usual.items():
            if place not in vars(cls):
                setattr(cls, place, name)
        if "card_columns" not in vars(cls):
            cls.card_columns = tuple(dict.fromkeys(filter(None, [cls.outcome_column, cls.identity_column])))

    @classmethod
    def classes(cls, column: Column, element: str) -> str:
        """Return the class attribute of an element of a column, "th" or "td": its own, and that of its place."""
        places = [place for place in ("identity", "outcome") if getattr(cls, f"{place}_column") == column.name]
        rank = [f"card-{number}" for number, name in enumerate(cls.card_columns, 1) if name == column.name]
        return " ".join(filter(None, [column.attributes(element).get("class", ""), *places, *rank]))

    def __init__(
        self,
        rows: Iterable[Any] = (),
        *,
        exclude: Collection[str] = (),
        # Any, because each kind of listing has its own table.
        listing: Any = None,
        request: HttpRequest | None = None,
    ) -> None:
        """Make a table without the columns that `exclude` names. Templates of its cells read `request`."""
        self.rows, self.listing, self.request = rows, listing, request
        self.columns = {name: each for name, each in self.base_columns.items() if name not in exclude}
        # The names of the columns that this person chose not to see. A file has them.
        self.hidden: Collection[str] = [name for name, each in self.columns.items() if not each.at_first]

    @property
    def offered(self) -> list[Column]:
        """The columns that a page can have."""
        return [column for column in self.columns.values() if column.on_page]

    def always_shown(self, column: Column) -> bool:
        """Whether nobody can hide this column."""
        return column.name in (self.identity_column, self.outcome_column)

    @property
    def shown(self) -> list[Column]:
        """The columns of the page."""
        return [column for column in self.offered if self.always_shown(column) or column.name not in self.hidden]

    @property
    def density(self) -> str:
        """The class of the table: more columns stand closer to each other."""
        number = len(self.shown)
        return "densest" if number >= DENSEST else "dense" if number >= DENSE else ""

    @property
    def body(self) -> SafeString:
        """The rows as HTML: a <tr> for each."""
        rows = list(self.rows)
        if not rows:
            return SafeString("")
        known = cells_of(type(self), type(rows[0]))
        cells = [known[column.name].html for column in self.shown]
        # Each cell has escaped its content.
        lines = ("".join([cell(self, row) for cell in cells]) for row in rows)
        return SafeString("\n".join(f'<tr role="row">{line}</tr>' for line in lines))
