"""The health of the sending domains, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Tool
from mailgun_sync.models import DomainHealth
from mailgun_sync.services.domain_health import Rates, known_health, rates_of
from web.api.access import ToolAPIView


class DNSRecordSerializer(serializers.Serializer[dict[str, str]]):
    """A DNS record that Mailgun wants."""

    purpose = serializers.CharField()
    type = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    value = serializers.CharField()
    valid = serializers.CharField(help_text="Mailgun's word: valid, invalid or unknown.")


class RatesSerializer(serializers.Serializer[Rates]):
    """The events of some days, counted, and what follows from them."""

    delivered = serializers.IntegerField()
    bounced = serializers.IntegerField()
    suppressed = serializers.IntegerField(help_text="Not tried, because of earlier bounces and the like.")
    complained = serializers.IntegerField()
    bounce_rate = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null without e-mails.")
    complaint_rate = serializers.FloatField(allow_null=True, help_text="From 0 to 1 of the delivered; null without.")


class DomainSerializer(serializers.ModelSerializer[DomainHealth]):
    """A domain: how far its events are complete, what Mailgun says of it, its bounces and its complaints."""

    domain = serializers.CharField(source="domain.name")
    settled_through = serializers.DateTimeField(
        source="domain.settled_through", allow_null=True, help_text="Until then its events are complete."
    )
    state = serializers.CharField(help_text="Mailgun's word: active, unverified, disabled; empty if not checked yet.")
    records = DNSRecordSerializer(many=True)
    error = serializers.CharField(help_text="Why the last check failed; empty if it did not.")
    rates = serializers.SerializerMethodField(help_text="By days: of the last 7 and the last 30 days.")

    class Meta:
        model = DomainHealth
        fields = ["domain", "settled_through", "state", "records", "checked_at", "error", "counted_at", "rates"]

    @extend_schema_field(serializers.DictField(child=RatesSerializer()))
    def get_rates(self, health: DomainHealth) -> dict[str, Any]:
        return {str(days): RatesSerializer(rates).data for days, rates in rates_of(health).items()}


class DomainsSerializer(serializers.Serializer[Any]):
    results = DomainSerializer(many=True)


class MailgunDomains(ToolAPIView):
    tool = Tool.MAILGUN_SYNC

    @extend_schema(tags=["Mailgun events"], summary="The health of the sending domains", responses=DomainsSerializer)
    def get(self, request: Request) -> Response:
        """All domains that are set up, as the last nightly check found them. There are no pages."""
        return Response(DomainsSerializer({"results": known_health()}).data)
