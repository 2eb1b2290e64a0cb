from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.statuses import Status
from listings.columns import time_element, time_text
from listings.elements import badge, explanation

register = template.Library()
# {% badge status %} shows word, shape and color.
register.simple_tag(badge)
# {% explanation statuses about="Event" %} shows a ? that explains a whole table of statuses.
register.simple_tag(explanation)


@register.simple_tag(name="status")
def show_status(status: Status) -> SafeString:
    """{% status status %} shows word, shape and color, and a ? that explains the status."""
    return format_html("{} {}", badge(status), explanation([status], about=status.word) if status.meaning else "")


@register.filter
def local_time(moment: datetime | None) -> SafeString | str:
    """{{ moment|local_time }} shows 11/20/2026 10:31 AM in the district's zone; the title names the zone."""
    return time_element(moment) if moment else "—"


@register.filter
def local_time_seconds(moment: datetime | None) -> SafeString | str:
    """Like local_time, with seconds."""
    return time_element(moment, seconds=True) if moment else "—"


@register.filter
def clock_time(moment: datetime) -> SafeString:
    """{{ moment|clock_time }} shows 10:31:07 AM, for a time just now; the title has the day and the zone."""
    local = timezone.localtime(moment)
    title = f"{time_text(moment, seconds=True)} {local.tzname()}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), title, date_format(local, "g:i:s A")
    )
