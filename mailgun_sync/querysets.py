from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Now, StrIndex, Upper

from accounts.models import User
from accounts.scopes import Scope
from accounts.tools import Right, Tool
from core.dates import start_of
from mailgun_sync.choices import HUNG_AFTER, INEXACT, SHOWN_EVENTS, EventKind, RunOutcome, Source, SuppressionList
from messenger_logs.choices import LinkedBy
from messenger_logs.querysets import RowsOfSchools
from messenger_logs.services.addresses import mailbox

if TYPE_CHECKING:
    from mailgun_sync.models import (  # noqa: F401  (named in strings)
        MailgunEvent,
        QuarantinedEvent,
        RecipientAddress,
        SendingDomain,
        SourceCount,
        Suppression,
        SyncRun,
    )


class MailgunEventQuerySet(RowsOfSchools["MailgunEvent"]):
    """Events of Mailgun, with the filters of the log."""

    def visible_to(self, user: User, tool: Tool) -> Self:
        """Return the events that ``tool`` may show to ``user``: of the user's schools, or of own messages."""
        if not user.may(tool):
            return self.none()
        match tool:
            case Tool.MAILGUN_MESSAGE_LOG:
                return self.filter(sender=user)
            case Tool.ADMIN_MAILGUN_MESSAGE_LOG | Tool.MAILGUN_SYNC:
                return self.shown_in(user.scope_of(tool))
        return self.none()

    def shown_in(self, scope: Scope) -> Self:
        """Return the events about students of these schools, in messages of these schools or of the whole district."""
        if scope.everything:
            return self
        messages: Any = self.model._meta.get_field("sent_message").related_model
        return self.in_scope(scope).filter(sent_message__in=messages.objects.in_scope(scope))

    def shown_by_default(self) -> Self:
        """Return the events of the kinds that the log shows without a filter."""
        # By event, not by kind: that column stands behind the raw JSON of a row, and a count takes twice as long.
        return self.filter(event__in=SHOWN_EVENTS)

    def not_shown_by_default(self) -> Self:
        """Return the events of other kinds, such as opened or clicked."""
        return self.exclude(event__in=SHOWN_EVENTS)

    def of_kind(self, kind: EventKind) -> Self:
        return self.filter(kind=kind)

    def of_kinds(self, kinds: Collection[EventKind]) -> Self:
        return self.filter(kind__in=kinds)

    def sent_to(self, addresses: Collection[str]) -> Self:
        """Return the events to exactly these addresses."""
        return self.filter(recipient__in=addresses)

    def sent_to_many_like(self, text: str, *, or_to: Collection[str]) -> Self:
        """Return the events whose recipient contains ``text``, upper or lower case, or is one of ``or_to``.

        It is for text in many addresses. PostgreSQL assumes that this function is true for many rows. So it reads the
        events in the order of the page, and stops when the page is full.
        """
        place = StrIndex(Upper("recipient"), Upper(Value(text)))
        return self.alias(place=place).filter(Q(place__gt=0) | Q(recipient__in=or_to))

    def of_same_email(self, event: MailgunEvent) -> Self:
        """Return the events of the e-mail that ``event`` is about, the oldest first.

        They are those of its delivery, and those with its Message-Id and address.
        """
        same = Q(pk=event.pk)
        if event.delivery_id:
            same |= Q(delivery=event.delivery_id)
        if event.message_id and event.recipient:
            same |= Q(message_id=event.message_id, recipient=event.recipient)
        return self.filter(same).order_by("occurred_at", "pk")

    def ambiguous(self) -> Self:
        """Return the events that belong to one of several e-mails, and nobody knows to which."""
        return self.filter(linked_by=LinkedBy.AMBIGUOUS)

    def of_day(self, day: date) -> Self:
        """Return the events of a day in the district's time zone."""
        return self.filter(occurred_at__gte=start_of(day), occurred_at__lt=start_of(day + timedelta(days=1)))

    def newest_of_day(self, day: date, limit: int) -> Self | None:
        """Leave out the events of ``day`` that are older than its newest ``limit``. Other days stay complete.

        None: the day has at most ``limit`` events.
        """
        newest = self.of_day(day).order_by("-occurred_at", "-pk")
        edge = list(newest.values_list("occurred_at", "pk")[limit - 1 : limit + 1])
        if len(edge) < 2:
            return None
        moment, pk = edge[0]
        cut = Q(occurred_at__gte=start_of(day), occurred_at__lte=moment)
        return self.exclude(cut & (Q(occurred_at__lt=moment) | Q(pk__lt=pk)))


class QuarantinedEventQuerySet(QuerySet["QuarantinedEvent"]):
    """Events that are not in the log. Nobody knows of which school they are."""

    def visible_to(self, user: User, right: Right = Right.READ) -> Self:
        """Return the events that System Health opens to ``user``: all of them, with the right for all schools."""
        return self.all() if user.scope_of(Tool.MAILGUN_SYNC, right).everything else self.none()


class SendingDomainQuerySet(QuerySet["SendingDomain"]):
    """The domains that the district sends from."""

    def configured(self) -> Self:
        """Return the domains of MAILGUN_DOMAINS. Other domains keep their events, but the sync does not read them."""
        return self.filter(name__in=settings.MAILGUN_DOMAINS)


class SyncRunQuerySet(QuerySet["SyncRun"]):
    """Readings of Mailgun's events."""

    def running(self) -> Self:
        """Return the runs that have not ended, as far as their processes could say so."""
        return self.filter(outcome=RunOutcome.RUNNING)

    def silent(self) -> Self:
        """Return the runs without a sign of life for so long that they hang."""
        return self.filter(seen_at__lt=Now() - HUNG_AFTER)


class RecipientAddressQuerySet(QuerySet["RecipientAddress"]):
    """The addresses that events went to."""

    def containing(self, text: str) -> Self:
        """Return the addresses that contain ``text`` in any spelling of it."""
        return self.filter(address__icontains=text) | self.containing_otherwise(text)

    def containing_otherwise(self, text: str) -> Self:
        """Return the addresses whose canonical form contains that of ``text``, such as xn--bcher-kva for bücher."""
        return self.exclude(mailbox="").filter(mailbox__contains=mailbox(text))


class SourceCountQuerySet(QuerySet["SourceCount"]):
    """What came from each source."""

    def of_webhooks(self, domain_id: int) -> Self:
        """Return the counts of a domain's webhooks."""
        return self.filter(domain=domain_id, source__in=[Source.WEBHOOK, Source.FORM])

    def inexact(self, domain_id: int) -> Self:
        """Return the counts of a domain's sources that tell a time less exactly than the others."""
        return self.filter(domain=domain_id, source__in=INEXACT)


class SuppressionQuerySet(QuerySet["Suppression"]):
    """The entries of the lists of suppressions."""

    def in_force(self) -> Self:
        """Return the entries for which Mailgun does not try an address, whatever the mail is."""
        return self.exclude(list=SuppressionList.ALLOWLIST).filter(error="", everything=True)

    def of_mailbox(self, mailbox: str) -> Self:
        """Return the entries of an address, also those for some mail alone."""
        return self.exclude(list=SuppressionList.ALLOWLIST).filter(error="", mailbox=mailbox).order_by("domain", "list")

    def odd(self) -> Self:
        """Return the entries that name no address to compare."""
        return self.exclude(error="")

    def visible_to(self, user: User) -> Self:
        """Return the entries that System Health shows to ``user`` as they came: all, with the tool for all schools."""
        return self.all() if user.scope_of(Tool.MAILGUN_SYNC).everything else self.none()
