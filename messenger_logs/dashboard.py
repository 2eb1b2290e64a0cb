"""The last days at a glance: messages, deliveries by mode and failures of each day, from the kept totals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, starmap
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from accounts.scopes import ALL_SCHOOLS, Scope
from accounts.tools import MESSAGE_LOGS
from messenger_logs.choices import EMAIL_FIGURES, DeliveryStatus, MessageStatus, Mode, Outcome
from messenger_logs.models import Delivery, MessageModeTotals, ReachTotals, SentMessage
from messenger_logs.querysets import EMAIL_ROWS, REFUSED, SentMessageQuerySet
from messenger_logs.reach import SUMS, People
from messenger_logs.sight import Sight

DAYS = 14
# Nothing of such a message has gone out.
_NOT_SENT = (MessageStatus.WAITING, MessageStatus.CANCELED)
# Messages, and the schools of whose people the user sees rows in them.
Part = tuple[SentMessageQuerySet, Scope]


@dataclass(frozen=True)
class Series:
    """One figure for each day."""

    name: str
    label: str
    counts: Mapping[date, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Dashboard:
    days: list[date]
    messages: Series
    modes: list[Series]
    failures: Series
    people: Mapping[date, People]
    """The people of the messages of each day, each of them once for a message."""
    emails: Mapping[str, int]
    """The e-mails that were handed over, by what their provider finally said: see EMAIL_OUTCOME_LABELS."""
    of_schools: bool
    """Whether the figures below the messages leave out people of schools that the user does not see."""

    @property
    def everybody(self) -> People:
        return sum(self.people.values(), People())

    @property
    def series(self) -> list[Series]:
        return [self.messages, *self.modes, self.failures]

    @property
    def deliveries(self) -> int:
        return sum(mode.total for mode in self.modes)

    @property
    def failed_share(self) -> float:
        """The failed deliveries, in percent."""
        return 100 * self.failures.total / self.deliveries if self.deliveries else 0.0


def dashboard_of(user: User) -> Dashboard:
    """The last days of the messages that the logs of a user show.

    Own messages count with everybody in them, those of others with the people of the user's schools.
    """
    (whole, _), *partly = parts_of(user)
    return dashboard(whole, partly=partly)


def parts_of(user: User) -> list[Part]:
    """The messages that the logs of a user show, in parts that have no message in common: the whole ones first."""
    whole, partly = SentMessage.objects.none(), []
    for tool in MESSAGE_LOGS:
        sight, shown = Sight.of(user, tool), SentMessage.objects.visible_to(user, tool)
        if sight.scope.everything:
            whole |= shown
        else:
            whole |= shown.filter(sender=user) if sight.own else shown.none()
            partly.append((shown, sight.scope))
    own = whole.filter(sender=user).values("pk")
    return [(whole, ALL_SCHOOLS), *((shown.exclude(pk__in=own), scope) for shown, scope in partly if scope.schools)]


def sent_between(user: User, first: date, last: date) -> list[Part]:
    """The messages of these parts that were due on these days, and have begun."""
    return [(_sent(part, first, last), scope) for part, scope in parts_of(user)]


def _sent(messages: SentMessageQuerySet, first: date, last: date) -> SentMessageQuerySet:
    return messages.scheduled_between(first, last).exclude(status__in=_NOT_SENT)


def dashboard(messages: SentMessageQuerySet, *, partly: Sequence[Part] = (), today: date | None = None) -> Dashboard:
    """The last 14 days of these messages, today included, by the day on which each was due.

    `partly` are others, of which only the people of some schools count. Three queries for each part: of `messages` the
    kept totals alone are read.
    """
    today = today or timezone.localdate()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    parts = [(messages, ALL_SCHOOLS), *partly]
    sent = [(_sent(part, days[0], today), scope) for part, scope in parts]
    counted = sum((_messages_by_day(part) for part, _ in sent), Counter[date]())
    deliveries = dict.fromkeys(((mode, day) for mode in Mode for day in days), 0)
    failures = dict.fromkeys(days, 0)
    emails: Counter[str] = Counter()
    for mode, day, tried, failed, success, *said in chain.from_iterable(starmap(_by_mode_and_day, sent)):
        deliveries[Mode(mode), day] += tried
        failures[day] += failed
        if mode == Mode.EMAIL:
            emails.update(dict(zip(EMAIL_FIGURES, said, strict=True)), not_known=success - sum(said))
    people: defaultdict[date, People] = defaultdict(People)
    for day, found in chain.from_iterable(starmap(_people_by_day, sent)):
        people[day] += found
    return Dashboard(
        days,
        Series("messages", gettext("Messages"), {day: counted[day] for day in days}),
        [Series(mode.value, str(mode.label), {day: deliveries[mode, day] for day in days}) for mode in Mode],
        Series("failed", gettext("Failed deliveries"), failures),
        {day: people[day] for day in days},
        emails,
        of_schools=bool(partly),
    )


def _messages_by_day(messages: SentMessageQuerySet) -> Counter[date]:
    return Counter(dict(messages.annotate(day=TruncDate("scheduled_at")).values_list("day").annotate(Count("pk"))))


def _people_by_day(messages: SentMessageQuerySet, scope: Scope) -> Iterator[tuple[date, People]]:
    totals = ReachTotals.objects.in_scope(scope).filter(message__in=messages, mode="")
    rows = totals.annotate(day=TruncDate("message__scheduled_at")).order_by().values("day").annotate(**SUMS)
    return ((row["day"], People.of(row)) for row in rows)


def _by_mode_and_day(messages: SentMessageQuerySet, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Mode, day, devices that were to be reached, and those of them that failed; refused e-mails are among them.

    Then the successes, refused ones among them, and the e-mails of each of EMAIL_FIGURES, which are parts of these.
    """
    return iter(_kept(messages) if scope.everything else _of_schools(messages, scope))


def _kept(messages: SentMessageQuerySet) -> QuerySet[Any, Any]:
    return (
        MessageModeTotals.objects.filter(totals__message__in=messages)
        .annotate(day=TruncDate("totals__message__scheduled_at"))
        .values_list("mode", "day")
        .annotate(
            tried=Sum(F("devices") - F("canceled") - F("not_attempted")),
            failures=Sum(F("error") + F("failed") + F("suppressed")),
            successes=Sum("success"),
            **{f"said_{name}": Sum(name) for name in EMAIL_FIGURES},
        )
    )


def _of_schools(messages: SentMessageQuerySet, scope: Scope) -> QuerySet[Any, Any]:
    """Count what the totals keep for all schools together."""
    rows = Delivery.objects.in_scope(scope).filter(message__in=messages, duplicate=False)
    counted = rows.exclude(status__in=[DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE])
    not_tried = Q(outcome__in=[Outcome.CANCELED, Outcome.NOT_ATTEMPTED])
    return (
        counted.annotate(day=TruncDate("message__scheduled_at"))
        .values_list("mode", "day")
        .annotate(
            tried=Count("pk", filter=~not_tried),
            failures=Count("pk", filter=Q(outcome=Outcome.ERROR) | REFUSED),
            successes=Count("pk", filter=Q(outcome=Outcome.SUCCESS)),
            **{f"said_{name}": Count("pk", filter=EMAIL_ROWS[name]) for name in EMAIL_FIGURES},
        )
    )
