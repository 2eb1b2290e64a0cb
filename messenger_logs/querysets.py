"""Every read of messages: which ones a user may see in a tool, and which ones a task looks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    Exists,
    F,
    Func,
    Max,
    Min,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from accounts.models import User
from accounts.scopes import Scope
from accounts.tools import MESSAGE_LOGS, Right, Tool
from core.dates import start_of
from core.ids import read_id
from messenger_logs.choices import (
    CANCELABLE,
    EMAIL_FAILURES,
    EMAIL_FIGURES,
    PHONE,
    ContactState,
    DeliveryStatus,
    Engine,
    MessageStatus,
    MessageType,
    Mode,
    Outcome,
)
from messenger_logs.search import NormalizedText, icontains_unaccented
from messenger_logs.sight import Sight, in_scope, rows_in_scope

if TYPE_CHECKING:
    from messenger_logs.models import (  # noqa: F401  (named in strings)
        ContactPerson,
        ContactToFix,
        Delivery,
        PersonReach,
        ReachTotals,
        Recipient,
        Reply,
        ReplyPerson,
        SentMessage,
    )

Row = TypeVar("Row", bound=Model)

# A reply names at most so many people.
MOST_NAMES = 5

# E-mails that we handed over, and that the provider could not deliver.
REFUSED = Q(mode=Mode.EMAIL, status=DeliveryStatus.SENT, email_outcome__in=sorted(EMAIL_FAILURES))
# E-mails that were handed over, as they count: an address once.
MAILED = Q(mode=Mode.EMAIL, status=DeliveryStatus.SENT, duplicate=False)
_OF_OUTCOME = {name: Q(email_outcome__in=sorted(words)) for name, words in EMAIL_FIGURES.items()}
# The e-mails behind each figure of the provider's word. The first five are all that were handed over.
EMAIL_ROWS = {
    **{name: MAILED & outcome for name, outcome in _OF_OUTCOME.items()},
    "not_known": MAILED & ~Q(email_outcome__in=sorted(word for words in EMAIL_FIGURES.values() for word in words)),
    "refused": REFUSED & Q(duplicate=False),
    "not_handed_over": Q(mode=Mode.EMAIL, outcome=Outcome.ERROR, duplicate=False),
}
# What a delivery counts as, with the e-mail provider's final word: Sent is no success where it was refused.
FINAL_OUTCOME = Case(When(REFUSED, then=Value(Outcome.ERROR)), default=F("outcome"))

# Deliveries that reached somebody by phone, as `services.totals.contacted_sql` counts them.
CONTACTED = Q(mode__in=sorted(PHONE)) & (Q(outcome=Outcome.SUCCESS) | Q(reached_earlier=True))

# Which right of Sent Message Log 2.0 opens which message types.
TYPE_RIGHTS = {
    Right.TYPE_GENERAL: [MessageType.GENERAL],
    Right.TYPE_PRIORITY: [MessageType.PRIORITY],
    Right.TYPE_EMERGENCY: [MessageType.EMERGENCY],
    Right.TYPE_TEXT_OPT: [MessageType.TEXT_OPT_IN, MessageType.TEXT_OPT_OUT],
}

# The right W of these tools cancels messages.
CANCEL_TOOLS = (Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.UPCOMING_MESSAGES)

# For so long after the end of a message, a late cancel in Upcoming Messages is told how it ended, and who canceled it.
JUST_ENDED = timedelta(hours=1)


def visible_types(user: User) -> list[str]:
    """The message types of the 2.0 log that a user may see."""
    return [kind for right, kinds in TYPE_RIGHTS.items() if user.may(Tool.SENT_MESSAGE_LOG_2, right) for kind in kinds]


class SentMessageQuerySet(QuerySet["SentMessage"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The messages that ``tool`` may show to ``user``. Every page, API call, export and report starts here."""
        shown = self.filter(Sight.of(user, tool).messages)
        match tool:
            case Tool.SENT_MESSAGE_LOG | Tool.ADMIN_SENT_MESSAGE_LOG:
                return shown.listed().exclude(engine=Engine.V2)
            case Tool.SENT_MESSAGE_LOG_2:
                return shown.v2().listed().filter(message_type__in=visible_types(user))
            case Tool.UPCOMING_MESSAGES:
                once = self.once_upcoming(user)
                # The person who canceled a message comes back to it: the page has the proof of the cancel.
                return once.cancelable() | once.filter(canceled_by=user.pk)
            case Tool.RECIPIENT_LOG | Tool.REACH | Tool.ADMIN_RECIPIENT_LOG | Tool.ADMIN_REACH:
                return shown.listed()
        return self.none()

    def in_scope(self, scope: Scope) -> Self:
        """The messages of these schools, and those of the whole district; nothing without a school."""
        return self.filter(in_scope(scope))

    def changeable_by(self, user: User, tool: Tool) -> Self:
        """The messages that the right W of ``tool`` opens: own ones, and those that are of the user's schools alone.

        Others also concern people whom the user does not see.
        """
        return self.filter(Sight.to_change(user, tool).wholly)

    def classic(self) -> Self:
        return self.filter(engine=Engine.CLASSIC)

    def v2(self) -> Self:
        return self.filter(engine=Engine.V2)

    def olr(self) -> Self:
        return self.filter(engine=Engine.OLR)

    def listed(self, now: datetime | None = None) -> Self:
        """The messages that the logs show at ``now``. One of a scheduler tool shows from its start on."""
        return self.filter(listed_from__lte=now or timezone.now())

    def with_school_name(self) -> Self:
        """Add `school_name`: the school, or the district for a message of the whole district. It is never NULL."""
        return self.annotate(school_name=Coalesce("school__name", Value(settings.DISTRICT_NAME)))

    def scheduled(self) -> Self:
        return self.filter(status=MessageStatus.WAITING)

    def begun(self) -> Self:
        return self.exclude(status=MessageStatus.WAITING)

    def emergencies(self) -> Self:
        """Real emergencies, of the 2.0 engine alone: the classic one has no type for them."""
        return self.filter(message_type=MessageType.EMERGENCY, drill=False)

    def drills(self) -> Self:
        return self.filter(drill=True)

    def shown_drills(self, user: User, tool: Tool) -> Self:
        """The drills that have begun and that ``tool`` may show to ``user``."""
        return self.visible_to(user, tool).drills().begun()

    def markable_by(self, user: User, tool: Tool) -> Self:
        """The messages that ``user`` may mark as drills with ``tool``."""
        return self.changeable_by(user, tool).visible_to(user, tool)

    def running(self) -> Self:
        return self.filter(status=MessageStatus.IN_PROGRESS)

    def in_logs_of(self, user: User) -> Self:
        """The messages that any of the user's logs of sent messages shows."""
        seen = self.none()
        for tool in MESSAGE_LOGS:
            seen |= self.visible_to(user, tool)
        return seen

    def known_as(self, text: str) -> Self:
        """The message with this number, and the one that has this id in another system."""
        wanted = Q(external_id=text)
        if pk := read_id(text):
            wanted |= Q(pk=pk)
        return self.filter(wanted)

    def with_subject(self, text: str) -> Self:
        """The messages whose subject contains the text, in any case and with or without accents."""
        return icontains_unaccented(self, "subject", text)

    def called(self, text: str) -> Self:
        """Those of them whose whole subject the text is."""
        return self.with_subject(text).filter(plain=NormalizedText(Value(text)))

    def cancelable(self) -> Self:
        return self.filter(status__in=CANCELABLE)

    def once_upcoming(self, user: User) -> Self:
        """The messages that Upcoming Messages shows to ``user`` or showed before."""
        return self.filter(Sight.of(user, Tool.UPCOMING_MESSAGES).messages).exclude(engine=Engine.OLR)

    def in_reach_of_retry(self, user: User, tool: Tool) -> Self:
        """The messages whose deliveries ``user`` may send again with ``tool``.

        A finished message is upcoming no more: there it is shown to its sender, and to those who see it in a log.
        """
        changeable = self.changeable_by(user, tool)
        shown = changeable.visible_to(user, tool)
        if tool is not Tool.UPCOMING_MESSAGES:
            return shown
        once = changeable.once_upcoming(user)
        return shown | once.filter(sender=user) | (once & changeable.in_logs_of(user))

    def in_reach_of_cancel(self, user: User, tool: Tool) -> Self:
        """The messages that ``user`` may cancel with ``tool``, and those of which a late cancel may tell more.

        A person who cancels a message just after its end sees how it ended, and who canceled it.
        """
        reach = self.in_reach_of_retry(user, tool)
        if tool is not Tool.UPCOMING_MESSAGES:
            return reach
        since = timezone.now() - JUST_ENDED
        just_ended = Q(cancel_asked_at__gt=since) | Q(dispatch_finished_at__gt=since)
        return reach | self.changeable_by(user, tool).once_upcoming(user).filter(just_ended)

    def in_reach_of_any_cancel(self, user: User) -> Self:
        found = self.none()
        for tool in CANCEL_TOOLS:
            found |= self.in_reach_of_cancel(user, tool)
        return found

    def cancel_unfinished(self) -> Self:
        """Canceled more than a minute ago, and not complete yet."""
        return self.filter(cancel_asked_at__lt=timezone.now() - timedelta(minutes=1), cancel_completed_at=None)

    def scheduled_between(self, first: date, last: date) -> Self:
        """Due on one of the days from ``first`` to ``last`` of the district's time zone."""
        return self.filter(scheduled_at__gte=start_of(first), scheduled_at__lt=start_of(last + timedelta(days=1)))

    def created_between(self, first: date, last: date) -> Self:
        """Created on one of the days from ``first`` to ``last`` of the district's time zone."""
        return self.filter(created_at__gte=start_of(first), created_at__lt=start_of(last + timedelta(days=1)))


class RowsOfSchools(QuerySet[Row]):
    """Rows about people: each has the school whose people see it, or none."""

    def in_scope(self, scope: Scope) -> Self:
        """The rows of these schools. A row without a school is only in the scope of all schools."""
        return self.filter(rows_in_scope(scope))


class RowQuerySet(RowsOfSchools[Row]):
    """Rows about people of a message."""

    def visible_to(self, user: User, tool: Tool) -> Self:
        """The rows that ``tool`` may show to ``user``, of the messages that it shows."""
        messages: Any = self.model._meta.get_field("message").related_model
        return self.filter(Sight.of(user, tool).rows, message__in=messages.objects.visible_to(user, tool))


class RecipientQuerySet(RowQuerySet["Recipient"]):
    pass


class DeliveryQuerySet(RowQuerySet["Delivery"]):
    pass


class PersonReachQuerySet(RowQuerySet["PersonReach"]):
    pass


class ReachTotalsQuerySet(RowQuerySet["ReachTotals"]):
    pass


class ReplyQuerySet(QuerySet["Reply"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The replies that ``tool`` may show to ``user``."""
        return self.in_scope(user.scope_of(tool)) if tool is Tool.REPLIES else self.none()

    def in_scope(self, scope: Scope) -> Self:
        """The replies of people of these schools. Only all schools have those whose number is not on record."""
        return self if scope.schools is None else self.filter(Exists(self._people(scope)))

    def with_people(self, scope: Scope) -> Self:
        """Add `people_named` and `person_named`: the name and the person id, so far as these schools know them."""
        if scope.everything:
            return self.annotate(people_named=F("name"), person_named=F("person_id"))
        people = self._people(scope).order_by()
        names = ArraySubquery(people.order_by("name").values("name").distinct()[:MOST_NAMES])
        # Without any school Django leaves the subquery out, and with it the type.
        typed = Cast(names, ArrayField(TextField()))
        one = people.values("reply").annotate(most=Max("person_id"), least=Min("person_id"))
        return self.annotate(
            people_named=Func(typed, Value("; "), function="array_to_string", output_field=TextField()),
            person_named=Coalesce(Subquery(one.filter(most=F("least")).values("most")), Value("")),
        )

    def _people(self, scope: Scope) -> RowsOfSchools[ReplyPerson]:
        people: Any = self.model._meta.get_field("people").related_model
        found: RowsOfSchools[ReplyPerson] = people.objects.in_scope(scope).filter(reply=OuterRef("pk"))
        return found


class ContactPersonQuerySet(RowsOfSchools["ContactPerson"]):
    def visible_to(self, user: User, tool: Tool, right: Right = Right.READ) -> Self:
        """The people behind contacts for whom ``user`` holds a right on ``tool``: of own messages, or of schools."""
        if not user.may(tool, right):
            return self.none()
        match tool:
            case Tool.CONTACTS_TO_FIX:
                return self.filter(sender=user)
            case Tool.ADMIN_CONTACTS_TO_FIX:
                return self.in_scope(user.scope_of(tool, right))
        return self.none()


class ContactToFixQuerySet(QuerySet["ContactToFix"]):
    def visible_to(self, user: User, tool: Tool) -> Self:
        """The contacts that ``tool`` may show to ``user``: those of the people whom it shows.

        All schools have a contact, too, that nobody on record is behind.
        """
        return self._of_people(user, tool, Right.READ)

    def changeable_by(self, user: User, tool: Tool) -> Self:
        """The contacts that ``tool`` shows to ``user``, and that the user may change with it."""
        return self.visible_to(user, tool)._of_people(user, tool, Right.WRITE)

    def _of_people(self, user: User, tool: Tool, right: Right) -> Self:
        if tool is Tool.ADMIN_CONTACTS_TO_FIX and user.scope_of(tool, right).everything:
            return self.all()
        people: Any = self.model._meta.get_field("people").related_model
        return self.with_person(people.objects.visible_to(user, tool, right))

    def with_person(self, people: QuerySet[ContactPerson]) -> Self:
        """The contacts with one of these people behind them."""
        return self.filter(Exists(people.filter(contact=OuterRef("pk"))))

    def not_fixed(self) -> Self:
        return self.exclude(state=ContactState.FIXED)
