from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Q, QuerySet, Sum

from accounts.models import User

if TYPE_CHECKING:
    from reports.models import ReportJob  # noqa: F401  (named in a string)


class ReportJobQuerySet(QuerySet["ReportJob"]):
    def of(self, user: User) -> Self:
        """The user's own reports, the newest first. Nobody sees the reports of others here."""
        return self.filter(owner=user).order_by("-asked_at", "-pk")

    def kept_bytes(self) -> int:
        """The size of the files of these reports."""
        return int(self.filter(status="done").aggregate(total=Sum("size", default=0))["total"])

    def unfinished(self) -> Self:
        return self.filter(status__in=self.model.UNFINISHED)

    def same(self, *, kind: str, options: dict[str, Any], format: str) -> Self:
        return self.filter(kind=kind, options=options, format=format)

    def free(self, now: datetime) -> Self:
        """The reports that no worker is making: not begun, or left by a worker that ended."""
        return self.filter(Q(status="queued") | Q(status="running", lease_until__lt=now))

    def held(self, claim: Any) -> Self:
        """The report that this attempt may still finish: nobody canceled it, and no other attempt took over."""
        return self.filter(status="running", claim=claim)

    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lt=now)
