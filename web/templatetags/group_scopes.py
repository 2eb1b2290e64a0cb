"""Says for which schools a user group holds its rights."""

from django import template
from django.contrib.auth.models import Group
from django.utils.translation import gettext

from accounts.querysets import reach_and_schools
from accounts.scopes import ScopeReach

register = template.Library()


@register.filter
def schools_text(group: Group) -> str:
    """{{ group|schools_text }} shows "all schools", "the schools of each member", or the names of the chosen ones."""
    reach, schools = reach_and_schools(group)
    return (", ".join(map(str, schools)) or gettext("no school")) if reach == ScopeReach.CHOSEN else str(reach.label)
