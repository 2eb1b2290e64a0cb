"""A drill beside the drill before it, school by school, from the kept totals."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext

from accounts.scopes import ALL_SCHOOLS, Scope
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People
from messenger_logs.reach_figures import UNKNOWN, Dimension, Group, Which, all_of, breakdown


@dataclass(frozen=True)
class Line:
    """A school in the drill and in the one before."""

    label: str
    now: People
    before: People
    school: str = ""
    """The value of the filter by school; "" for all schools together."""

    @property
    def change(self) -> int | None:
        """The change of the share reached, in points of percent; None if one of the two had nobody there."""
        now, before = self.now.percent_reached, self.before.percent_reached
        return None if now is None or before is None else now - before

    @property
    def fall(self) -> int:
        """By how many points fewer were reached."""
        return max(0, -(self.change or 0))


@dataclass(frozen=True)
class Comparison:
    drill: SentMessage
    before: SentMessage | None
    schools: list[Line]
    total: Line

    @property
    def lines(self) -> list[Line]:
        return [*self.schools, self.total] if len(self.schools) > 1 else self.schools


def drill_before(drill: SentMessage, drills: SentMessageQuerySet) -> SentMessage | None:
    """Return the last of `drills` that was due before this one; None if it is the first."""
    same_moment = Q(scheduled_at=drill.scheduled_at, pk__lt=drill.pk)
    earlier = drills.drills().filter(Q(scheduled_at__lt=drill.scheduled_at) | same_moment)
    return earlier.order_by("-scheduled_at", "-pk").first()


def compare(drill: SentMessage, before: SentMessage | None, scope: Scope = ALL_SCHOOLS) -> Comparison:
    """Compare two drills in these schools, with one query for each."""
    now = _schools(drill, scope)
    then = _schools(before, scope) if before else {}
    nobody = Group("", "")
    labels = {place: group.label for place, group in (then | now).items()}
    # The school that is not known comes last.
    places = sorted(labels, key=lambda place: (place is None, labels[place].casefold()))
    lines = [
        Line(labels[place], now.get(place, nobody).people, then.get(place, nobody).people, str(place or UNKNOWN))
        for place in places
    ]
    return Comparison(
        drill, before, lines, Line(gettext("All"), all_of(now.values()).people, all_of(then.values()).people)
    )


def _schools(message: SentMessage, scope: Scope) -> dict[object, Group]:
    only = SentMessage.objects.filter(pk=message.pk)
    return {group.value: group for group in breakdown(only, Dimension.SCHOOL, Which(scope=scope))}
