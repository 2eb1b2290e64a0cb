"""What a person with some schools is told beside figures and lists."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scopes import Scope
from messenger_logs.models import School, SentMessage

_NAMED = 3


def schools_text(scope: Scope) -> str:
    """Return the schools in words: "Harrison High, Oak Middle and 2 more schools"; "all schools"."""
    if scope.schools is None:
        return _("all schools")
    names = list(School.objects.filter(pk__in=scope.schools).values_list("name", flat=True))
    named, more = names[:_NAMED], len(names) - _NAMED
    if more > 0:
        text = ngettext("%(schools)s and %(count)s more school", "%(schools)s and %(count)s more schools", more)
        return text % {"schools": ", ".join(named), "count": more}
    if len(named) > 1:
        return _("%(schools)s and %(last)s") % {"schools": ", ".join(named[:-1]), "last": named[-1]}
    return named[0] if named else _("no school")


def scope_note(message: SentMessage, scope: Scope) -> str:
    """Say of whom the rows of a message are, where a person does not see all of them; "" for all schools."""
    if scope.everything:
        return ""
    schools = {"schools": schools_text(scope)}
    if message.school_id:
        return _("Its figures count everybody. Its lists have only the people of %(schools)s.") % schools
    return (
        _(
            "This message is of the whole district. Its figures count everybody. Its lists have only the people of"
            " %(schools)s."
        )
        % schools
    )


def messages_note(scope: Scope) -> str:
    """Say whose messages a list has, where a person does not see those of all schools; "" for all schools."""
    if not scope.schools:
        return ""
    schools = {"schools": schools_text(scope)}
    return _("These are the messages of %(schools)s, and those of the whole district.") % schools


def counted_note(scope: Scope) -> list[str]:
    """Say whose figures a list has, where it does not count everybody; nothing for all schools."""
    if scope.everything:
        return []
    schools = {"schools": schools_text(scope)}
    return [_("Only people with a student at %(schools)s are counted and listed.") % schools]
