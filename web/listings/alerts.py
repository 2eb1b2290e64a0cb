"""Alerts: what does not work now, and what did not."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.listings import ToolListing
from accounts.tools import Right
from alerts.choices import AlertState
from alerts.content import explaining_url
from alerts.models import Alert, AlertChannel
from alerts.querysets import AlertQuerySet
from core.statuses import Shape, Status, Tone
from listings.columns import ON_SCREEN, ROW_LINK, Column, ListingTable, StatusColumn, TextColumn, TimeColumn
from listings.filters import DateRangeFilter, ListingFilterSet, SwitchFilter, ValuesFilter

ALERT_LOOKS = {
    "urgent": Status("Open, urgent", Shape.CROSS, Tone.BAD, "Messages to families wait because of it."),
    "open": Status("Open", Shape.TRIANGLE, Tone.WARNING, "It is wrong now, and nobody has acknowledged it."),
    "acknowledged": Status("Acknowledged", Shape.HALF, Tone.RUNNING, "It is wrong now, and somebody takes care of it."),
    "cleared": Status("Cleared", Shape.CHECK, Tone.GOOD, "It is over."),
}
NO_CHANNEL = "Nobody gets a notice of alerts: no channel is on."


def alert_page(pk: int) -> str:
    return reverse("web:alert", args=[pk])


class AlertTable(ListingTable):
    look = StatusColumn(ALERT_LOOKS, verbose_name="State", orderable=False)
    part = Column(verbose_name="Part", linkify=lambda record: alert_page(record.pk), attrs=ROW_LINK)
    words = TextColumn(verbose_name="What Is Wrong", orderable=False)
    since = TimeColumn(verbose_name="Since", orderable=False)
    fired_at = TimeColumn(verbose_name="Fired")
    cleared_at = TimeColumn(verbose_name="Cleared", orderable=False)
    acknowledged_by_name = Column(verbose_name="Acknowledged By", orderable=False)
    to_do = TextColumn(verbose_name="What To Do", orderable=False)
    explained = Column(
        accessor="pk", verbose_name="Explained By", orderable=False, exclude_from_export=True, attrs=ON_SCREEN
    )

    card_columns = ("look", "part", "words", "fired_at")

    def render_explained(self, record: Alert) -> SafeString | str:
        address = explaining_url(record)
        name = format_html('<span class="visually-hidden"> that explains {}</span>', record.part)
        return format_html('<a href="{}">Open the page{}</a>', address, name) if address else "—"


class StateFilter(SwitchFilter):
    ALL = "all"

    def __init__(self) -> None:
        choices = [(AlertState.CLEARED, "Cleared"), (self.ALL, "All")]
        super().__init__(label="Alerts", choices=choices, empty_label="Not cleared")

    def filter(self, qs: AlertQuerySet, value: str) -> AlertQuerySet:
        if value == self.ALL:
            return qs
        return qs.in_state(value) if value else qs.open()


class AlertFilters(ListingFilterSet):
    which = StateFilter()
    fired = DateRangeFilter("fired_at", label="Fired", default_days=None)
    part = ValuesFilter(label="Part")


class Alerts(ToolListing):
    """The alerts, the newest first."""

    table_class = AlertTable
    filterset_class = AlertFilters
    default_sort = "-fired_at"
    export_name = "alerts"
    row_name = "alerts"
    api_resource = "alerts"
    template_name = "web/alerts/list.html"

    @property
    def may_change(self) -> bool:
        return bool(self.user.may(self.tool, Right.WRITE))

    def get_queryset(self) -> AlertQuerySet:
        return Alert.objects.with_looks()

    def notices(self) -> list[str]:
        channels = list(AlertChannel.objects.active())
        failing = [f"The channel {channel.name} fails: {channel.error}" for channel in channels if channel.error]
        return failing if channels else [NO_CHANNEL]
