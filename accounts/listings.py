from __future__ import annotations

from typing import Any

from accounts.access import MissingRight
from accounts.models import User
from accounts.services import record_audit_event
from accounts.tools import Right, Tool
from listings.listing import Listing


class ToolListing(Listing):
    """The log of a tool: opened by the right to read it, exports audited."""

    tool: Tool
    user: User

    @property
    def export_target(self) -> str:
        """What the audit trail says an export was of, where the tool's name does not say it all."""
        return self.entry.title

    @property
    def export_details(self) -> dict[str, Any]:
        """What else belongs into the trail, such as the message it was of."""
        return {}

    def check_access(self) -> None:
        """Raises MissingRight."""
        if not self.user.may(self.tool):
            raise MissingRight(self.tool, Right.READ)

    def record_export(self, count: int | None, format: str) -> None:
        # Searches for people are left out: the trail is kept longer than what is known of them.
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
