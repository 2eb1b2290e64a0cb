from django import template

from core.durations import duration_text

register = template.Library()
# {{ length|duration }}
register.filter("duration", duration_text)
