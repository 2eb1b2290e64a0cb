from datetime import timedelta

from django import template

register = template.Library()


@register.filter
def duration(length: timedelta | None) -> str:
    """{{ length|duration }}: "1 h 2 min 5 s", as exact as seconds; a dash where it is not known."""
    if length is None:
        return "—"
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if number]
    return " ".join(parts) or "0 s"
