"""The inbox of one person. The portal reads it by the API; it has no page."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.listings import ToolListing
from accounts.services import record_look
from dispatch.models import InboxMessage
from listings.filters import ExactFilter, ListingFilterSet


class InboxFilters(ListingFilterSet):
    person_id = ExactFilter(label="The person whose inbox it is; required")

    personal = {"person_id"}


class Inbox(ToolListing):
    filterset_class = InboxFilters
    row_name = "messages"
    api_resource = "inbox"

    def _record_look(self) -> None:
        person_id = self.filterset.form.cleaned_data["person_id"]
        record_look(by=self.user, action="person.viewed", target=self.tool.path, details={"person": person_id})

    def get_queryset(self) -> QuerySet[InboxMessage]:
        return InboxMessage.objects.visible_to(self.user, self.tool)
