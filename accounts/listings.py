from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.services import record_audit_event
from listings.views import ListingView


class ToolListingView(ToolRightMixin, ListingView):
    """The log of a tool: title and menu path as the registry has them, opened by its right, exports audited."""

    request: SignedInRequest
    # What the audit trail says an export was of, where the tool's name does not say it all.
    export_target = ""
    # What else belongs into the trail, such as the message it was of.
    export_details: Mapping[str, Any] = MappingProxyType({})

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.title = self.tool.label
        self.menu_path = self.tool.menu

    def recorded_export(self, count: int | None, format: str) -> None:
        # Searches for people are left out: the trail is kept longer than what is known of them.
        personal = {str(self.filterset.filters[name].label) for name in self.filterset.personal}
        filters = {
            label: "(a search that is not kept)" if label in personal else value
            for label, value in self.filterset.in_use()
        }
        record_audit_event(
            by=self.request.user,
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
