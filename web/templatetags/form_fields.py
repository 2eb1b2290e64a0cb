from typing import Any

from django import template
from django.forms import BoundField

register = template.Library()


@register.inclusion_tag("web/_field.html")
def field_row(field: BoundField, *, in_table: bool = False) -> dict[str, Any]:
    """Show a text field of a form: label, help, control and errors. In a table, the headings stand for the label."""
    look = "form-control is-invalid" if field.errors else "form-control"
    return {"field": field, "control": field.as_widget(attrs={"class": look}), "in_table": in_table}


@register.simple_tag
def select(field: BoundField) -> str:
    """Show the control of a field with choices."""
    return field.as_widget(attrs={"class": "form-select is-invalid" if field.errors else "form-select"})
