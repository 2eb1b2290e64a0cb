"""What a person with some schools is told beside figures and lists."""

from __future__ import annotations

from accounts.scopes import Scope
from messenger_logs.models import School, SentMessage

_NAMED = 3
WHOLE_DISTRICT = "This message is of the whole district."


def schools_text(scope: Scope) -> str:
    """Return the schools in words: "Harrison High, Oak Middle and 2 more schools"; "all schools"."""
    if scope.schools is None:
        return "all schools"
    names = list(School.objects.filter(pk__in=scope.schools).values_list("name", flat=True))
    named, more = names[:_NAMED], len(names) - _NAMED
    if more > 0:
        return f"{', '.join(named)} and {more} more school{'' if more == 1 else 's'}"
    return " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]])) or "no school"


def scope_note(message: SentMessage, scope: Scope) -> str:
    """Say of whom the rows of a message are, where a person does not see all of them; "" for all schools."""
    if scope.everything:
        return ""
    whole = "" if message.school_id else f"{WHOLE_DISTRICT} "
    return f"{whole}Its figures count everybody. Its lists have only the people of {schools_text(scope)}."


def messages_note(scope: Scope) -> str:
    """Say whose messages a list has, where a person does not see those of all schools; "" for all schools."""
    if not scope.schools:
        return ""
    return f"These are the messages of {schools_text(scope)}, and those of the whole district."


def counted_note(scope: Scope) -> list[str]:
    """Say whose figures a list has, where it does not count everybody; nothing for all schools."""
    return [] if scope.everything else [f"Only people with a student at {schools_text(scope)} are counted and listed."]
