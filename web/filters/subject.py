from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from listings.filters import ContainsFilter
from messenger_logs.search import icontains_unaccented


class SubjectFilter(ContainsFilter):
    """By a part of a message's subject, with or without its accents."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return icontains_unaccented(qs, self.field_name, value) if value else qs
