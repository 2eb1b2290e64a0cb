from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from accounts.access import refuse_without
from accounts.models import User
from accounts.scopes import NO_SCHOOL, Scope
from accounts.services import hashed_search, record_audit_event, record_look
from accounts.tools import SCOPED_RIGHTS, Right, Tool
from core.languages import ENGLISH, in_language
from listings.filters import is_typed
from listings.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def _hashed(texts: Iterable[str]) -> dict[str, list[str]]:
    hashed = [hashed_search(text) for text in texts]
    return {"searched": hashed} if hashed else {}


class ToolListing(Listing):
    """The list of a tool: the right R opens it. Its exports are audited, and looks at lists of people.

    Page, fragment and API read the rows of a list in the same way, so each of them leaves the same row in the trail.
    """

    tool: Tool
    user: User
    # Whether its rows are about people: then each look is audited. A search for a person is audited in every list.
    shows_people: ClassVar[bool] = False

    def rights_used(self) -> Collection[Right]:
        """Return the rights on the tool without which these rows would be fewer. A stored file asks for them again."""
        return [Right.READ]

    @property
    def permissions(self) -> list[str]:
        return [self.tool.permission(right) for right in self.rights_used()]

    @property
    def scope(self) -> Scope:
        """The schools of which the list has the rows of others: none where it has only what the user sent."""
        right = SCOPED_RIGHTS.get(self.tool)
        return self.user.scope_of(self.tool, right) if right else NO_SCHOOL

    @property
    def schools(self) -> list[int] | None:
        return self.scope.stored

    @property
    def export_target(self) -> StrOrPromise:
        """The target of an export in the audit trail: the tool, or something more exact."""
        return self.entry.title

    @property
    def export_details(self) -> dict[str, Any]:
        """More details for the audit trail, such as the id of the message."""
        return {}

    def check_access(self) -> None:
        """Raises MissingRight, or DistrictWide."""
        refuse_without(self.user, self.tool, Right.READ)

    def record_look(self) -> None:
        with in_language(ENGLISH):
            self._record_look()

    def _record_look(self) -> None:
        searched = self.searched
        if (self.shows_people or searched) and not self.filterset.error_messages:
            action = "person.searched" if searched else "list.viewed"
            record_look(by=self.user, action=action, target=self.tool.path, details=self.look_details | searched)

    @property
    def look_details(self) -> dict[str, Any]:
        return {"days": str(self.period)} if self.period else {}

    @property
    def searched(self) -> dict[str, list[str]]:
        """The searches for people that are on, for the audit trail: hashed, because it is kept longer than their data.

        Empty if there are none.
        """
        personal, active = self.personal_labels, self.filterset.in_use()
        return _hashed(value for label, value in active if label in personal)

    def _filters_for_export(self) -> dict[str, Any]:
        """What was chosen, in words; and what was typed, hashed. A text to find in a subject may be a person's name."""
        typed = self.personal_labels | {str(one.label) for one in self.filterset.filters.values() if is_typed(one)}
        active = list(self.filterset.in_use())
        chosen = {label: value for label, value in active if label not in typed}
        return {"filters": chosen, **_hashed(value for label, value in active if label in typed)}

    @property
    def personal_labels(self) -> set[str]:
        return {str(self.filterset.filters[name].label) for name in self.filterset.personal}

    def record_export(self, count: int | None, format: str) -> None:
        # The audit trail is in English, also for a person who reads another language.
        with in_language(ENGLISH):
            self._record_export(count, format)

    def _record_export(self, count: int | None, format: str) -> None:
        record_audit_event(
            by=self.user,
            action=f"export.{self.tool.name.lower()}",
            target=self.export_target,
            details={
                "format": format,
                "rows": "not counted" if count is None else count,
                "days": str(self.filterset.period or "any"),
                **self._filters_for_export(),
                **self.export_details,
            },
        )
