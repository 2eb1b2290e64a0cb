"""Shows the charts of web/charts.py."""

from collections.abc import Iterable
from typing import Any

from django import template

from listings.context import ListContext
from web.charts import BarChart, HeatMap, Strip

register = template.Library()


@register.inclusion_tag("web/charts/_bar_chart.html")
def bar_chart(chart: BarChart) -> dict[str, Any]:
    """{% bar_chart chart %} shows bars by day or week, the words of their parts, and the table behind them."""
    return {"chart": chart, "looks": once(chart.looks)}


@register.inclusion_tag("web/charts/_strip.html")
def strip(chart: Strip) -> dict[str, Any]:
    """{% strip chart %} shows lines of small bars by hour, and the table behind them."""
    return {"chart": chart, "looks": once(chart.looks)}


@register.inclusion_tag("web/charts/_heat_map.html")
def heat_map(chart: HeatMap[Any], grid: ListContext) -> dict[str, Any]:
    """{% heat_map chart grid %} shows shares in a table. The filters of each cell are added to those of the list."""
    return {"chart": chart, "grid": grid}


@register.inclusion_tag("web/charts/_share_bar.html")
def share_bar(percent: int | None) -> dict[str, Any]:
    """{% share_bar percent %} is a bar as long as a share. The number stands beside it."""
    return {"percent": percent}


@register.filter
def shade(percent: int | None) -> int:
    """{{ percent|shade }} is the shade of a cell, from 0 (half or less) to 10 (everything).

    Of most schools nearly all are reached: the difference that matters is that between 80 and 100 %.
    """
    return max(0, (percent or 0) - 50) // 5


def once(looks: Iterable[str]) -> list[str]:
    """Return each look once: a picture defines its pattern."""
    return list(dict.fromkeys(looks))
