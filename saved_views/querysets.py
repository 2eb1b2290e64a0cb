"""Every read of this app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Q, QuerySet

from accounts.models import User
from core.clock import has_come
from core.recurrence import LONGEST
from listings.registry import Entry, registry

if TYPE_CHECKING:
    from saved_views.models import ReportSchedule, SavedView, ScheduledReport  # noqa: F401  (named in a string)

# How often a mail is tried.
MOST_TRIES = 5


def lists_of(user: User) -> Iterator[Entry]:
    """Yield the lists with a page that a person may open."""
    return (entry for entry in registry if entry.path and user.may(entry.tool))


class SavedViewQuerySet(QuerySet["SavedView"]):
    def of(self, user: User) -> Self:
        """The views that a person keeps, also those of lists that the person may not open any more."""
        return self.filter(owner=user).order_by("listing", "name", "pk").select_related("group")

    def offered_to(self, user: User) -> Self:
        """The views that a person may open: own ones and those shared with a group of theirs, of lists they may see."""
        theirs = Q(owner=user) | Q(group__in=user.groups.order_by().values("pk"))
        names = [entry.name for entry in lists_of(user)]
        found = self.filter(theirs, listing__in=names).select_related("group", "owner")
        return found.order_by("listing", "name", "pk")

    def of_list(self, entry: Entry) -> Self:
        return self.filter(listing=entry.name)


class ScheduleQuerySet(QuerySet["ReportSchedule"]):
    def running(self) -> Self:
        return self.filter(ended_at=None)

    def due(self, now: datetime) -> Self:
        """The schedules whose time has come; those of a time that is too far ahead too, because the clock was wrong."""
        return self.running().filter(has_come("next_at", now, at_most=LONGEST)).order_by("next_at", "pk")

    def read_by(self, user: User) -> Self:
        """The running schedules of others that a person gets reports of, or has declined."""
        shared = self.running().filter(for_group=True, view__group__in=user.groups.order_by().values("pk"))
        names = [entry.name for entry in lists_of(user)]
        found = shared.filter(view__listing__in=names).exclude(view__owner=user)
        return found.select_related("view__owner", "view__group").order_by("pk")


class ScheduledReportQuerySet(QuerySet["ScheduledReport"]):
    def unmailed(self) -> Self:
        """The finished reports of which nobody was told yet, those that failed less often first."""
        finished = self.filter(mailed_at=None, tries__lt=MOST_TRIES).exclude(job__status__in=["queued", "running"])
        return finished.select_related("job__owner", "schedule").order_by("tries", "pk")
