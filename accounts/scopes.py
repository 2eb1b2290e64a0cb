"""For which schools a right is held: for all of them, or for some."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ScopeReach(TextChoices):
    """The schools for which the members of a user group hold its rights."""

    ALL = "all", _("all schools")
    CHOSEN = "chosen", _("chosen schools")
    MEMBERS = "members", _("the schools of each member")


@dataclass(frozen=True)
class Scope:
    """The schools, by id, for which a person holds a right. None means all schools, and the whole district."""

    schools: frozenset[int] | None

    @classmethod
    def of(cls, schools: Collection[int] | None) -> Scope:
        return cls(None if schools is None else frozenset(schools))

    @classmethod
    def union(cls, scopes: Iterable[Scope]) -> Scope:
        """Return the schools of any of these scopes. Without scopes it is no school."""
        return reduce(or_, scopes, NO_SCHOOL)

    @property
    def everything(self) -> bool:
        return self.schools is None

    @property
    def stored(self) -> list[int] | None:
        """The scope as JSON can hold it. `Scope.of` reads it."""
        return None if self.schools is None else sorted(self.schools)

    def has(self, school: int | None) -> bool:
        """Tell whether a row of this school is in the scope. Without a school it is only in that of all schools."""
        return self.schools is None or school in self.schools

    def covers(self, other: Scope) -> bool:
        """Tell whether each school of the other scope is in this one."""
        if self.schools is None:
            return True
        return other.schools is not None and other.schools <= self.schools

    def __or__(self, other: Scope) -> Scope:
        if self.schools is None or other.schools is None:
            return ALL_SCHOOLS
        return Scope(self.schools | other.schools)

    def __and__(self, other: Scope) -> Scope:
        if self.schools is None:
            return other
        return self if other.schools is None else Scope(self.schools & other.schools)


ALL_SCHOOLS = Scope(None)
NO_SCHOOL = Scope(frozenset())
