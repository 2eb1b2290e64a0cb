"""Writes the inputs and drop-downs of all forms without templates.

A list has a dozen of them, and a drop-down has up to 500 options. Django renders two templates for each option.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape

# What Django gives the template of a widget.
Widget = Mapping[str, Any]


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {name}" if value is True else f' {name}="{conditional_escape(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{conditional_escape(widget["value"])}"'
    name = conditional_escape(widget["name"])
    return f'<input type="{widget["type"]}" name="{name}"{value}{_attributes(widget["attrs"])}>'


def _select(widget: Widget) -> str:
    groups = "".join(
        f'<optgroup label="{conditional_escape(name)}">{_options(options)}</optgroup>' if name else _options(options)
        for name, options, _ in widget["optgroups"]
    )
    return f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget["attrs"])}>{groups}</select>'


def _options(options: list[Widget]) -> str:
    return "".join(
        f'<option value="{conditional_escape(option["value"])}"{_attributes(option["attrs"])}>'
        f"{conditional_escape(option['label'])}</option>"
        for option in options
    )


_INPUTS = ("text", "search", "email", "password", "number", "date", "hidden", "checkbox")
_WRITERS: dict[str, Callable[[Widget], str]] = {f"django/forms/widgets/{name}.html": _input for name in _INPUTS}
_WRITERS["django/forms/widgets/select.html"] = _select


class FormRenderer(DjangoTemplates):
    """Renders as Django does. All but inputs and drop-downs are rare, and have Django's templates."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        write = _WRITERS.get(template_name)
        return write(context["widget"]) if write else super().render(template_name, context, request)
