"""Filters for the sentences about a cancel."""

from django import template

from web.cancel_text import cancel_text

register = template.Library()
register.filter("cancel_text", cancel_text)
