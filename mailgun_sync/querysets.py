from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.tools import Tool

if TYPE_CHECKING:
    from mailgun_sync.models import EventKind

SUPPRESSED = Q(reason__startswith="suppress-")
# The kinds of product.md as conditions; MailgunEvent.kind is the same rule for one row.
KINDS = {
    "failed-permanent": Q(event="failed") & ~Q(severity="temporary") & ~SUPPRESSED,
    "failed-temporary": Q(event="failed", severity="temporary") & ~SUPPRESSED,
    "suppressed": Q(event="failed") & SUPPRESSED,
}
SHOWN_EVENTS = ("accepted", "rejected", "delivered", "failed", "complained")


class MailgunEventQuerySet(QuerySet["MailgunEvent"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The events that ``tool`` may show to ``user``: everybody's, or those of the user's own messages."""
        if not user.may(tool):
            return self.none()
        if tool is Tool.ADMIN_MAILGUN_MESSAGE_LOG:
            return self
        return self.filter(sender=user)

    def shown_by_default(self) -> Self:
        return self.filter(event__in=SHOWN_EVENTS)

    def of_kind(self, kind: EventKind) -> Self:
        return self.filter(KINDS.get(kind, Q(event=kind)))


class SendingDomainQuerySet(QuerySet["SendingDomain"]):
    def configured(self) -> Self:
        """The domains named in MAILGUN_DOMAINS; others keep their events but are not read any more."""
        return self.filter(name__in=settings.MAILGUN_DOMAINS)
