from __future__ import annotations

from typing import Any

from accounts.access import MissingRight
from accounts.models import User
from accounts.services import record_audit_event
from accounts.tools import Right, Tool
from listings.listing import Listing


class ToolListing(Listing):
    """The list of a tool: the right R opens it, and its exports are audited."""

    tool: Tool
    user: User

    @property
    def export_target(self) -> str:
        """The target of an export in the audit trail: the tool, or something more exact."""
        return self.entry.title

    @property
    def export_details(self) -> dict[str, Any]:
        """More details for the audit trail, such as the id of the message."""
        return {}

    def check_access(self) -> None:
        """Raises MissingRight."""
        if not self.user.may(self.tool):
            raise MissingRight(self.tool, Right.READ)

    def record_export(self, count: int | None, format: str) -> None:
        # Searches for people are left out, because the trail is kept longer than data about people.
        personal = {str(self.filterset.filters[name].label) for name in self.filterset.personal}
        filters = {
            label: "(a search that is not kept)" if label in personal else value
            for label, value in self.filterset.in_use()
        }
        record_audit_event(
            by=self.user,
            action=f"export.{self.tool.name.lower()}",
            target=self.export_target,
            details={
                "format": format,
                "rows": "not counted" if count is None else count,
                "days": str(self.filterset.period or "any"),
                "filters": filters,
                **self.export_details,
            },
        )
