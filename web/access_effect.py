"""What a change of rights would open or close: how many messages, for how many people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.holder import Holder
from accounts.tools import Tool
from core.timeouts import StatementTimeout, statement_timeout
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from web.message_access import MESSAGE_TOOLS

# The tools that show messages of others, or their results.
SHOWING = (*MESSAGE_TOOLS, Tool.ADMIN_RECIPIENT_LOG, Tool.ADMIN_REACH)
# Messages are counted up to this number.
COUNTED = 10_000
SECONDS = 5.0
NO_CHANGE = _("This changes nobody's access to messages of others.")
TOO_SLOW = _("How many messages this opens could not be counted in time. It can be saved all the same.")


@dataclass(frozen=True)
class Effect:
    """How many messages of others somebody sees more (`opened`) and fewer (`closed`), COUNTED + 1 at most."""

    opened: int
    closed: int

    @classmethod
    def of(cls, before: Holder, after: Holder) -> Effect:
        """Count what changes from one to the other. Raises StatementTimeout."""
        if before == after:
            return cls(0, 0)
        with statement_timeout(SECONDS):
            return cls(_more(before, after), _more(after, before))


def seen_by(holder: Holder) -> SentMessageQuerySet:
    """Return the messages of others that any tool shows to somebody with these rights."""
    user: Any = holder
    return reduce(or_, (SentMessage.objects.visible_to(user, tool) for tool in SHOWING))


def _more(before: Holder, after: Holder) -> int:
    if all(before.scopes.get(name) == scope for name, scope in after.scopes.items()):
        return 0
    more = seen_by(after).exclude(pk__in=seen_by(before).order_by().values("pk"))
    return int(more.order_by()[: COUNTED + 1].count())


def effect_text(before: Holder, after: Holder, *, people: int) -> str:
    """Return sentences: "This gives 1 person access to 349 messages." """
    try:
        effect = Effect.of(before, after)
    except StatementTimeout:
        return str(TOO_SLOW)
    told = {"people": _people(people), "opened": _messages(effect.opened), "closed": _messages(effect.closed)}
    if not people and effect.opened:
        words = gettext("Nobody is in this group yet. Each person who joins it gets access to %(opened)s.")
        return words % told
    gives = gettext("This gives %(people)s access to %(opened)s.") % told if people and effect.opened else ""
    takes = gettext("This takes access to %(closed)s from %(people)s.") % told if people and effect.closed else ""
    return " ".join(filter(None, [gives, takes])) or str(NO_CHANGE)


def _people(number: int) -> str:
    return ngettext("%(count)s person", "%(count)s people", number) % {"count": intcomma(number)}


def _messages(number: int) -> str:
    if number > COUNTED:
        return gettext("more than %(count)s messages") % {"count": intcomma(COUNTED)}
    return ngettext("%(count)s message", "%(count)s messages", number) % {"count": intcomma(number)}
