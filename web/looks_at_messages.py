"""What one look at a message showed, in the words of the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The part of a message that is its page, also with the values of a recipient.
_PAGE = "message"
# What the trail calls the parts of a message, as people read them: alone, and after the message.
_PARTS: dict[str, tuple[StrOrPromise, StrOrPromise]] = {
    "recipients": (_("the recipients"), _("its recipients")),
    "unreached people": (_("the unreached people"), _("its unreached people")),
    "drill": (_("the drill"), _("its drill")),
    "figures of a cancel": (_("the figures of a cancel"), _("its figures of a cancel")),
    "calls and texts in doubt": (_("the calls and texts in doubt"), _("its calls and texts in doubt")),
    "Inbox body": (_("the Inbox body"), _("its Inbox body")),
    "Email body": (_("the Email body"), _("its Email body")),
    "Voice body": (_("the Voice body"), _("its Voice body")),
    "Text body": (_("the Text body"), _("its Text body")),
}


def message_of(event: AuditEvent) -> str:
    """Return the message that an event is about, by its number."""
    number = event.details.get("message")
    if number:
        return gettext("message %(number)s") % {"number": number}
    return event.target or gettext("several messages")


def looked_at_message(event: AuditEvent) -> str:
    """Say all that one look showed: its event, and its parts where a list has them."""
    message, told = message_of(event), [str(event.details.get("shown", _PAGE)), *(getattr(event, "parts", None) or ())]
    parts = [part for part in told if not part.startswith(_PAGE)]
    values = [_values_of(event.details["person"])] if "person" in event.details else []
    things = [] if len(parts) == len(told) else [_its_part(part) for part in parts]
    about = {"message": message, "things": listed([*things, *values])}
    if len(parts) == len(told):
        said = _looked_at_parts(about | {"parts": listed([_the_part(part) for part in parts])})
    elif about["things"]:
        said = gettext("looked at %(message)s with %(things)s") % about
    else:
        said = gettext("looked at %(message)s") % about
    if "searched" in event.details:
        return gettext("%(looked)s, and searched there for a person") % {"looked": said}
    return said


def _looked_at_parts(about: dict[str, str]) -> str:
    if about["things"]:
        return gettext("looked at %(parts)s of %(message)s with %(things)s") % about
    return gettext("looked at %(parts)s of %(message)s") % about


def _values_of(person: Any) -> str:
    return gettext("the values of person %(person)s") % {"person": person}


def _the_part(part: str) -> str:
    return str(_PARTS[part][0]) if part in _PARTS else gettext("the %(part)s") % {"part": part}


def _its_part(part: str) -> str:
    return str(_PARTS[part][1]) if part in _PARTS else gettext("its %(part)s") % {"part": part}


def listed(things: Sequence[str]) -> str:
    """Return "its recipients, its Voice body and its Text body"; "" for nothing."""
    if not things:
        return ""
    *first, last = things
    return gettext("%(things)s and %(last)s") % {"things": ", ".join(first), "last": last} if first else last
