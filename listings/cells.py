"""Makes the cells of a table's rows, as HTML for a page or as text for a file.

A page has hundreds of cells, and a file millions. So what a column does is found out once for each table and each class
of rows: which methods make its cells, what they take, how its value is reached. Then a cell is a call or two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.forms.utils import flatatt
from django.utils.formats import localize
from django.utils.html import conditional_escape

from core.languages import language_now

if TYPE_CHECKING:
    from listings.columns import Column, ListingTable

# Takes the table, the row and the value.
Method = Callable[["ListingTable", Any, Any], Any]


@dataclass(frozen=True)
class Cells:
    """The cells of one column: each function takes the table and a row."""

    html: Callable[[ListingTable, Any], str]
    """Returns a whole <td>."""
    text: Callable[[ListingTable, Any], str]


# What is found out has words in it, so it differs with the language.
_known: dict[tuple[type[ListingTable], type, str], Mapping[str, Cells]] = {}


def cells_of(table_class: type[ListingTable], row_class: type) -> Mapping[str, Cells]:
    """Return the cells of each column, by name, for rows of a class: a model, a dataclass or a Mapping."""
    key = (table_class, row_class, language_now())
    if key not in _known:
        _known[key] = {
            name: Cells(html=_html(column, table_class, row_class), text=_text(column, table_class, row_class))
            for name, column in table_class.base_columns.items()
        }
    return _known[key]


def _html(column: Column, table_class: type[ListingTable], row_class: type) -> Callable[[ListingTable, Any], str]:
    value_of, empty = _value(column, row_class), column.empty_values
    render = _method(column, getattr(table_class, f"render_{column.name}", None), column.render)
    link = _link(column)
    # A narrow screen shows each row as a card, where the label stands beside the content. The roles say that it is a
    # table still: some browsers forget that with its look.
    classes = table_class.classes(column, "td")
    named = {"class": classes} if classes else {}
    own = dict(column.attributes("td")) | named | {"role": "cell", "data-label": column.header}
    begin = f"<td{flatatt(own)}>"
    nothing = f"{begin}{conditional_escape(column.default)}</td>"

    def html(table: ListingTable, row: Any) -> str:
        value = value_of(row)
        if value in empty:
            return nothing
        content = render(table, row, value)
        # As a template shows it: text is escaped unless it is marked as safe, and numbers have separators.
        shown = conditional_escape(content if isinstance(content, str) else localize(content))
        return f"{begin}{link(table, row, value, shown) if link else shown}</td>"

    return html


def _text(column: Column, table_class: type[ListingTable], row_class: type) -> Callable[[ListingTable, Any], str]:
    value_of, empty = _value(column, row_class), column.empty_values
    of_table = (getattr(table_class, f"{verb}_{column.name}", None) for verb in ("value", "render"))
    write = _method(column, next(filter(None, of_table), None), column.value or column.render)

    def text(table: ListingTable, row: Any) -> str:
        value = value_of(row)
        return "" if value in empty else str(write(table, row, value))

    return text


def _link(column: Column) -> Callable[[ListingTable, Any, Any, str], str] | None:
    if not column.linkify:
        return None
    address_of = _method(column, None, _own_address if column.linkify is True else column.linkify)
    begin = f"<a{flatatt(dict(column.attributes('a')))}"

    def link(table: ListingTable, row: Any, value: Any, content: str) -> str:
        address = address_of(table, row, value)
        return f'{begin} href="{conditional_escape(address)}">{content}</a>' if address else content

    return link


def _own_address(record: Any) -> str:
    return str(record.get_absolute_url())


def _method(column: Column, of_table: Callable[..., Any] | None, otherwise: Callable[..., Any]) -> Method:
    """Return a function that calls the table's method or, without one, the other with what its signature names."""
    called = of_table or otherwise
    wanted = signature(called).parameters.keys() & {"record", "value", "table", "column"}

    def call(table: ListingTable, record: Any, value: Any) -> Any:
        known = {"record": record, "value": value, "table": table, "column": column}
        arguments = {name: known[name] for name in wanted}
        return called(table, **arguments) if of_table else called(**arguments)

    return call


def _value(column: Column, row_class: type) -> Callable[[Any], Any]:
    """Return a function that reads a column's value: the label of a choice; None if a related row is missing."""
    stored, labels = column.stored, _labels(column.accessor.split("__"), row_class)

    def label(row: Any) -> Any:
        value = stored(row)
        return labels.get(value, value)

    return label if labels else stored


def reader(accessor: str) -> Callable[[Any], Any]:
    """Return a function that follows an accessor from a row; its answer is None if something on the way is missing."""
    reach = attrgetter(accessor.replace("__", "."))

    def value(row: Any) -> Any:
        try:
            return reach(row)
        except AttributeError:
            return row.get(accessor) if isinstance(row, Mapping) else None

    return value


def _labels(path: Sequence[str], model: Any) -> dict[Any, str]:
    """Return the labels of the field that a path leads to; none if it has no choices, or is no field."""
    field: Any = None
    for part in path:
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError):
            return {}
        model = field.related_model
    return {value: str(label) for value, label in getattr(field, "flatchoices", ())}
