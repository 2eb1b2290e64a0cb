from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import Q

from accounts.models import User
from accounts.tools import Right, Tool
from core.leased_jobs.querysets import LeasedJobQuerySet

if TYPE_CHECKING:
    from records.models import RecordsRequest  # noqa: F401  (named in a string)


class RecordsRequestQuerySet(LeasedJobQuerySet["RecordsRequest"]):
    def visible_to(self, user: User) -> Self:
        """The requests that a user may see: own ones, and those of schools that the user holds the right R for."""
        if not user.may(Tool.RECORDS_REQUEST):
            return self.none()
        schools = user.scope_of(Tool.RECORDS_REQUEST).schools
        if schools is None:
            return self.all()
        return self.filter(Q(owner=user) | Q(schools__isnull=False, schools__contained_by=sorted(schools)))

    def to_hand_over(self, user: User) -> Self:
        """The requests whose files a user may hand over: those of schools that the user holds the right W for."""
        if not user.may(Tool.RECORDS_REQUEST, Right.WRITE):
            return self.none()
        schools = user.scope_of(Tool.RECORDS_REQUEST, Right.WRITE).schools
        seen = self.visible_to(user)
        if schools is None:
            return seen
        return seen.filter(schools__isnull=False, schools__contained_by=sorted(schools))
