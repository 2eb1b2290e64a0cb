"""The forms of Message Import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from imports.maps import FIELDS, ColumnMap
from imports.services.maps import guess_field
from imports.times import BadTime, DateOrder, read_time

NEW_MAP = ""
VALUE = "value_"


class ValuesForm(forms.Form):
    """Values for fields without a column. Their times are read like those of the file: in the order of its map."""

    def __init__(self, *args: Any, values: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in FIELDS.values():
            if field.fixed:
                self.fields[f"{VALUE}{field.name}"] = forms.CharField(
                    label=field.label,
                    required=False,
                    max_length=1000,
                    help_text=field.help,
                    initial=(values or {}).get(field.name, ""),
                )

    @property
    def value_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(VALUE)]

    @property
    def values(self) -> dict[str, str]:
        """Return the values that were given."""
        given = {name.removeprefix(VALUE): value for name, value in self.cleaned_data.items() if name.startswith(VALUE)}
        return {name: value for name, value in given.items() if value}

    def clean(self) -> dict[str, Any]:
        for name, error in bad_times(self.values, self.orders).items():
            self.add_error(f"{VALUE}{name}", gettext("This %(error)s.") % {"error": error})
        return self.cleaned_data

    @property
    def orders(self) -> Collection[DateOrder]:
        """The orders in which dates may be read: several while nobody has said which."""
        raise NotImplementedError


def bad_times(values: Mapping[str, str], orders: Collection[DateOrder]) -> dict[str, BadTime]:
    """Return what is wrong with the values that are a time in none of the orders, by field."""
    times = {name: text for name, text in values.items() if FIELDS[name].is_time}
    found = {name: [error for order in orders if (error := _error_of(text, order))] for name, text in times.items()}
    return {name: errors[0] for name, errors in found.items() if len(errors) == len(orders)}


def _error_of(text: str, order: DateOrder) -> BadTime | None:
    try:
        read_time(text, order)
    except BadTime as error:
        return error
    return None


class MapChoiceForm(ValuesForm):
    """A column map, and values beside it."""

    map = forms.ChoiceField(label=_("Column map"), required=False)

    def __init__(self, *args: Any, maps: Iterable[ColumnMap], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = list(maps)
        self.order_of = {one.name: one.date_order for one in known}
        new = [(NEW_MAP, gettext("A new one: say next which column is which field"))]
        field: Any = self.fields["map"]
        field.choices = [*((one.name, one.label) for one in known), *new]

    @property
    def orders(self) -> Collection[DateOrder]:
        """The order of the chosen map. A new map gets its own in the next step, which looks at these values again."""
        chosen = self.order_of.get(self.cleaned_data.get("map", NEW_MAP))
        return [chosen] if chosen else list(DateOrder)


class UploadForm(MapChoiceForm):
    file = forms.FileField(
        label=_("CSV file"), error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")}
    )
    field_order = ["file", "map"]


class MapForm(ValuesForm):
    """Which column of a file is which field. `given` has the values that came with the file."""

    name = forms.CharField(label=_("Name of the map"), max_length=60)
    date_order = forms.ChoiceField(label=_("Dates"), choices=[(order.value, order.label) for order in DateOrder])

    def __init__(
        self,
        *args: Any,
        headings: Sequence[str],
        given: Mapping[str, str],
        known: ColumnMap | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, values=known.values if known else None, **kwargs)
        self.given = given
        self.headings = [heading for heading in dict.fromkeys(headings) if heading]
        fields = [
            ("", gettext("not read")),
            *((field.name, f"{field.level.label}: {field.label}") for field in FIELDS.values()),
        ]
        guesses = {heading: guess_field(heading) for heading in self.headings}
        if known and (places := known.places(headings)):
            guesses = dict.fromkeys(self.headings, "")
            guesses |= {headings[place]: name for name, place in places.items() if name in FIELDS}
        for at, heading in enumerate(self.headings):
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=heading, choices=fields, required=False, initial=guesses[heading]
            )
        if known and not known.ready:
            self.fields["name"].initial = known.name
            self.fields["date_order"].initial = known.date_order

    def clean(self) -> dict[str, Any]:
        for name, error in bad_times(self.given, self.orders).items():
            words = gettext("%(field)s, given with the file, %(error)s. Change the order, or upload the file again.")
            self.add_error("date_order", words % {"field": FIELDS[name].label, "error": error})
        return super().clean()

    @property
    def order(self) -> DateOrder:
        return DateOrder(self.cleaned_data["date_order"])

    @property
    def orders(self) -> Collection[DateOrder]:
        return [self.order] if "date_order" in self.cleaned_data else list(DateOrder)

    @property
    def column_fields(self) -> list[forms.BoundField]:
        return [self[f"column_{at}"] for at in range(len(self.headings))]

    @property
    def columns(self) -> dict[str, str]:
        """Return the field of each heading that has one."""
        chosen = {heading: self.cleaned_data[f"column_{at}"] for at, heading in enumerate(self.headings)}
        return {heading: field for heading, field in chosen.items() if field}
