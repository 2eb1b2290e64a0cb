from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Q, QuerySet

from accounts.models import User

if TYPE_CHECKING:
    from imports.models import ImportJob  # noqa: F401  (named in a string)


class ImportJobQuerySet(QuerySet["ImportJob"]):
    def of(self, user: User) -> Self:
        """The user's own imports, the newest first. Nobody sees the files of others."""
        return self.filter(owner=user).order_by("-asked_at", "-pk")

    def unfinished(self) -> Self:
        return self.filter(status__in=self.model.UNFINISHED)

    def free(self, now: datetime) -> Self:
        """The jobs that no worker is doing: not begun, or left by a worker that ended."""
        return self.filter(Q(status="queued") | Q(status="running", lease_until__lt=now))

    def held(self, claim: Any) -> Self:
        """The job that this attempt may still finish: nobody canceled it, and no other attempt took over."""
        return self.filter(status="running", claim=claim)

    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lt=now)
