"""What is kept about people who sign in by a provider."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models


class ProviderIdentity(models.Model):
    """What a provider said about one of its accounts: what it gave the person here, and when it last confirmed them.

    A row belongs to allauth's row that joins the account at the provider to the one here.
    """

    account = models.OneToOneField(
        "socialaccount.SocialAccount", primary_key=True, on_delete=models.CASCADE, related_name="identity"
    )
    # The groups and schools that a claim gave. What people gave by hand is not among them, and stays.
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    schools = models.ManyToManyField("messenger_logs.School", blank=True, related_name="+")
    # The newest tokens of the provider, sealed: see accounts.sso.recheck.Tokens.
    tokens = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField()
    # Sessions that began before this moment are over: the provider no longer lets the person in.
    refused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"identity {self.pk}"
