"""Somebody who would hold rights: stands in for a user where the question is what rights open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group

from accounts.querysets import reach_and_schools, scopes_by_right, scopes_of_groups
from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope, ScopeReach
from accounts.tools import Right, Tool

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True)
class Holder:
    """The rights by codename, each with its schools. It is nobody in particular, so no message is its own."""

    scopes: Mapping[str, Scope]
    pk: int = 0

    @classmethod
    def like(cls, user: User) -> Holder:
        """Hold what the groups of a person give."""
        return cls(scopes_by_right(user))

    @classmethod
    def in_groups(cls, groups: Collection[int], schools: Collection[int]) -> Holder:
        """Hold what these groups give to a person of these schools."""
        return cls(scopes_of_groups(Group.objects.filter(pk__in=groups), schools))

    @classmethod
    def of(cls, rights: Collection[str], scope: Scope) -> Holder:
        """Hold these rights (codenames) for these schools."""
        return cls(dict.fromkeys(rights, scope))

    def may(self, tool: Tool, right: Right = Right.READ) -> bool:
        return tool.codename(right) in self.scopes

    def scope_of(self, tool: Tool, right: Right = Right.READ) -> Scope:
        return self.scopes.get(tool.codename(right), NO_SCHOOL)


def scope_of_group(group: Group) -> Scope:
    """Return the schools for which at least one member of a group holds its rights."""
    reach, chosen = reach_and_schools(group)
    return reached_schools(group, reach, [school.pk for school in chosen])


def reached_schools(group: Group, reach: str, chosen: Collection[int]) -> Scope:
    """Return the same for another reach of the group, and other chosen schools."""
    if reach == ScopeReach.MEMBERS:
        return Scope.of(group.user_set.filter(is_active=True, schools__isnull=False).values_list("schools", flat=True))
    return Scope.of(chosen) if reach == ScopeReach.CHOSEN else ALL_SCHOOLS
