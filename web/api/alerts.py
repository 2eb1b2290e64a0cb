"""Alerts as JSON: what does not work, and acknowledging it."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Right, Tool
from alerts.choices import AlertState
from alerts.content import explaining_url
from alerts.models import Alert
from alerts.services.acknowledging import acknowledge
from listings.registry import Entry, registry
from web.api.access import ToolAPIView
from web.api.listings import ListingAPIView
from web.listings.alerts import AlertFilters

TAG = "Alerts"


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """Something that does not work, or did not. It has nothing personal."""

    state = serializers.ChoiceField(choices=AlertState.choices, read_only=True)
    acknowledged_by = serializers.CharField(source="acknowledged_by_name", help_text="Empty if nobody did.")
    explained_at = serializers.SerializerMethodField(
        help_text="The address of the page that explains it, without the host."
    )

    class Meta:
        model = Alert
        fields = [
            "id", "state", "key", "part", "words", "to_do", "urgent", "since", "fired_at", "last_seen_at", "cleared_at",
            "acknowledged_at", "acknowledged_by", "explained_at",
        ]  # fmt: skip

    def get_explained_at(self, alert: Alert) -> str:
        return explaining_url(alert)


class AlertList(ListingAPIView):
    tool = Tool.ALERTS
    serializer_class = AlertSerializer
    filterset_class = AlertFilters
    sorts = ("-fired_at", "fired_at")

    def find_entry(self) -> Entry:
        return registry["alerts"]

    @extend_schema(tags=[TAG], summary="What does not work, and what did not", responses=AlertSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Without `which`, those that have not cleared. It needs the right for all schools."""
        return self.respond()


class Acknowledge(ToolAPIView):
    tool = Tool.ALERTS
    right = Right.WRITE

    @extend_schema(tags=[TAG], summary="Acknowledge an alert", request=None, responses=AlertSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Others see that somebody takes care of it, and reminders end. An alert that cleared, or that somebody
        acknowledged before, stays as it is. It is safe to repeat."""
        get_object_or_404(Alert, pk=pk)
        acknowledge(alert_id=pk, by=self.user)
        return Response(AlertSerializer(Alert.objects.get(pk=pk)).data)
