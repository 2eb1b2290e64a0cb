"""Every read of this app that depends on who asks or on the time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

from accounts.models import User
from accounts.tools import Tool
from core.clock import has_come
from providers.http import LONGEST_WAIT

if TYPE_CHECKING:
    from dispatch.models import InboxMessage, Pace  # noqa: F401  (named in strings)


class PaceQuerySet(QuerySet["Pace"]):
    def paused(self, now: datetime) -> Self:
        """The modes that are still paused at ``now``."""
        return self.filter(paused_until__isnull=False).exclude(has_come("paused_until", now, at_most=LONGEST_WAIT))


class InboxMessageQuerySet(QuerySet["InboxMessage"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The messages in people's inboxes that ``tool`` opens to ``user``: those of the user's schools."""
        scope = user.scope_of(tool)
        return self if scope.schools is None else self.filter(delivery__school__in=scope.schools)
