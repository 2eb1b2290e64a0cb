from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import StrIndex, Upper

from accounts.models import User
from accounts.tools import Tool
from core.dates import start_of
from mailgun_sync.choices import SHOWN_EVENTS, EventKind

if TYPE_CHECKING:
    from mailgun_sync.models import MailgunEvent, SendingDomain  # noqa: F401  (named in strings)


class MailgunEventQuerySet(QuerySet["MailgunEvent"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The events that ``tool`` may show to ``user``: everybody's, or those of the user's own messages."""
        if not user.may(tool):
            return self.none()
        if tool is Tool.ADMIN_MAILGUN_MESSAGE_LOG:
            return self
        return self.filter(sender=user)

    def shown_by_default(self) -> Self:
        # By event, not by kind: that column stands behind the raw JSON of a row, and a count takes twice as long.
        return self.filter(event__in=SHOWN_EVENTS)

    def not_shown_by_default(self) -> Self:
        return self.exclude(event__in=SHOWN_EVENTS)

    def of_kind(self, kind: EventKind) -> Self:
        return self.filter(kind=kind)

    def sent_to(self, addresses: Collection[str]) -> Self:
        return self.filter(recipient__in=addresses)

    def sent_to_many_like(self, text: str) -> Self:
        """The events whose recipient contains ``text``, in either case, for a text that is in many addresses.

        Said with a function of which PostgreSQL supposes that it holds often: it then reads the events in the order in
        which they are shown, and stops when the page is full.
        """
        return self.alias(place=StrIndex(Upper("recipient"), Upper(Value(text)))).filter(place__gt=0)

    def of_day(self, day: date) -> Self:
        """The events of a day of the district's time zone."""
        return self.filter(occurred_at__gte=start_of(day), occurred_at__lt=start_of(day + timedelta(days=1)))

    def newest_of_day(self, day: date, limit: int) -> Self | None:
        """Without the events of ``day`` that come after its newest ``limit``; None where the day has no more than that.

        Other days stay as they are.
        """
        newest = self.of_day(day).order_by("-occurred_at", "-pk")
        edge = list(newest.values_list("occurred_at", "pk")[limit - 1 : limit + 1])
        if len(edge) < 2:
            return None
        moment, pk = edge[0]
        cut = Q(occurred_at__gte=start_of(day), occurred_at__lte=moment)
        return self.exclude(cut & (Q(occurred_at__lt=moment) | Q(pk__lt=pk)))


class SendingDomainQuerySet(QuerySet["SendingDomain"]):
    def configured(self) -> Self:
        """The domains named in MAILGUN_DOMAINS; others keep their events but are not read any more."""
        return self.filter(name__in=settings.MAILGUN_DOMAINS)
