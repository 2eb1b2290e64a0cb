"""Shows a bar with the words and numbers of its parts."""

from typing import Any

from django import template

from web.bars import Bar

register = template.Library()


@register.inclusion_tag("web/_bar.html")
def outcome_bar(bar: Bar) -> dict[str, Any]:
    """{% outcome_bar bar %} shows the label, the picture, and each part in words with a link to its rows."""
    return {"bar": bar}
