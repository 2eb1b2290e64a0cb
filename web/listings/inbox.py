"""The inbox of one person. The portal reads it by the API; it has no page."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.listings import ToolListing
from dispatch.models import InboxMessage
from listings.filters import ExactFilter, ListingFilterSet


class InboxFilters(ListingFilterSet):
    person_id = ExactFilter(label="The person whose inbox it is; required")

    personal = {"person_id"}


class Inbox(ToolListing):
    filterset_class = InboxFilters
    row_name = "messages"
    api_resource = "inbox"

    def get_queryset(self) -> QuerySet[InboxMessage]:
        return InboxMessage.objects.all()
