"""What a tool opens to a person: the person's own messages with all their rows, and those of some schools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import User
from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope
from accounts.tools import OWN_RIGHTS, SCOPED_RIGHTS, Right, Tool

if TYPE_CHECKING:
    from messenger_logs.models import SentMessage


@dataclass(frozen=True)
class Sight:
    """What a person sees with a tool, or may change with it.

    A message is in a scope when its school is, or the school of one of its calendars, or when it is of the whole
    district: without a school. A row about a person is in a scope when the school of the student is; where that is not
    known, the school of the message. So with some schools alone, a row of neither is never seen. Of the own messages
    all rows are seen, whatever the scope.
    """

    person: int | None
    own: bool
    """Whether the tool opens the messages that the person sent."""
    scope: Scope
    """The schools of which it opens everybody's messages."""

    @classmethod
    def of(cls, user: User, tool: Tool) -> Sight:
        """What the tool shows."""
        if not user.may(tool):
            return cls(user.pk, own=False, scope=NO_SCHOOL)
        own = tool in OWN_RIGHTS and user.may(tool, OWN_RIGHTS[tool])
        scope = user.scope_of(tool, SCOPED_RIGHTS[tool]) if tool in SCOPED_RIGHTS else NO_SCHOOL
        return cls(user.pk, own=own, scope=scope)

    @classmethod
    def to_change(cls, user: User, tool: Tool) -> Sight:
        """What the right W of the tool lets the person change: of others, only messages `wholly` in the scope."""
        if Right.WRITE not in tool.rights or not user.may(tool, Right.WRITE):
            return cls(user.pk, own=False, scope=NO_SCHOOL)
        seen = cls.of(user, tool)
        return cls(user.pk, own=seen.own, scope=seen.scope & user.scope_of(tool, Right.WRITE))

    @property
    def messages(self) -> Q:
        """The condition on a message that it is seen."""
        return self._with_own(in_scope(self.scope))

    @property
    def wholly(self) -> Q:
        """The condition on a message that it is the person's own, or that all its schools are in the scope."""
        return self._with_own(wholly_in_scope(self.scope))

    @property
    def rows(self) -> Q:
        """The condition on a row about a person, of a message that is seen."""
        return self._with_own(rows_in_scope(self.scope), path="message__")

    def scope_in(self, message: SentMessage) -> Scope:
        """Return the schools of which the rows of one message are seen. The message itself is seen."""
        return ALL_SCHOOLS if self._is_own(message) else self.scope

    def holds_wholly(self, message: SentMessage) -> bool:
        """Tell of one message what `wholly` says."""
        if self.scope.schools is None or self._is_own(message):
            return True
        return message.school_id in self.scope.schools and self.scope.schools.issuperset(message.calendar_schools)

    def _is_own(self, message: SentMessage) -> bool:
        return self.own and message.sender_id == self.person

    def _with_own(self, condition: Q, *, path: str = "") -> Q:
        # Django takes an empty condition, which is true of all, for none beside another one.
        if self.scope.everything or not self.own:
            return condition
        return Q((f"{path}sender", self.person)) | condition


_NOTHING = Q(pk__in=[])


def in_scope(scope: Scope) -> Q:
    """The condition on a message that it is in a scope."""
    if scope.schools is None:
        return Q()
    if not scope.schools:
        return _NOTHING
    schools = sorted(scope.schools)
    return Q(school=None) | Q(school__in=schools) | Q(calendar_schools__overlap=schools)


def wholly_in_scope(scope: Scope) -> Q:
    """The condition on a message that it is of schools in the scope alone: not of the whole district."""
    if scope.schools is None:
        return Q()
    schools = sorted(scope.schools)
    return Q(school__in=schools, calendar_schools__contained_by=schools)


def rows_in_scope(scope: Scope) -> Q:
    """The condition on a row about a person: a recipient, a delivery, somebody reached."""
    return Q() if scope.schools is None else Q(school__in=sorted(scope.schools))
