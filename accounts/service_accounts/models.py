from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone


class ServiceAccountQuerySet(QuerySet["ServiceAccount"]):
    def usable(self, now: datetime | None = None) -> Self:
        """Those that may call the API now."""
        return self.filter(ended_at=None, expires_at__gt=now or timezone.now(), user__is_active=True)

    def of_client(self, client_id: str | None) -> ServiceAccount | None:
        """Return the service account with these client credentials, and its user."""
        return self.filter(client_id=client_id).select_related("user").first() if client_id else None

    def listed(self) -> Self:
        """All of them as the page lists them: those in use first, each with its groups."""
        rows = self.select_related("user", "made_by").prefetch_related("user__groups")
        return rows.order_by(models.F("ended_at").desc(nulls_first=True), "user__username")


class ServiceAccount(models.Model):
    """A program that calls the API, with its own rights and secret. No person's password stands in its script.

    Its rights are those of its account's user groups, for the schools that they are held for; nobody signs in to the
    pages with this account.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="service_account"
    )
    # The client credentials. They are deleted when the service account ends; the row stays for the audit trail.
    client = models.OneToOneField("allauth_idp_oidc.Client", null=True, on_delete=models.SET_NULL, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ServiceAccountQuerySet] = ServiceAccountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"service account {self.pk}"

    @property
    def is_usable(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now() and self.user.is_active
