"""Every read of this app that depends on who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

from accounts.models import User
from accounts.tools import Tool

if TYPE_CHECKING:
    from dispatch.models import InboxMessage  # noqa: F401  (named in a string)


class InboxMessageQuerySet(QuerySet["InboxMessage"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The messages in people's inboxes that ``tool`` opens to ``user``: those of the user's schools."""
        scope = user.scope_of(tool)
        return self if scope.schools is None else self.filter(delivery__school__in=scope.schools)
