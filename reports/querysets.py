from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db.models import Sum

from core.leased_jobs.querysets import LeasedJobQuerySet

if TYPE_CHECKING:
    from reports.models import ReportJob  # noqa: F401  (named in a string)


class ReportJobQuerySet(LeasedJobQuerySet["ReportJob"]):
    def kept_bytes(self) -> int:
        """The size of the files of these reports."""
        return int(self.filter(status="done").aggregate(total=Sum("size", default=0))["total"])

    def same(self, *, kind: str, options: dict[str, Any], format: str, language: str) -> Self:
        return self.filter(kind=kind, options=options, format=format, language=language)
