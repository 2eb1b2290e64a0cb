"""Alerts: what does not work now, and what did not."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

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
    "urgent": Status(
        pgettext_lazy("alert", "Open, urgent"), Shape.CROSS, Tone.BAD, _("Messages to families wait because of it.")
    ),
    "open": Status(
        pgettext_lazy("alert", "Open"),
        Shape.TRIANGLE,
        Tone.WARNING,
        _("It is wrong now, and nobody has acknowledged it."),
    ),
    "acknowledged": Status(
        pgettext_lazy("alert", "Acknowledged"),
        Shape.HALF,
        Tone.RUNNING,
        _("It is wrong now, and somebody takes care of it."),
    ),
    "cleared": Status(pgettext_lazy("alert", "Cleared"), Shape.CHECK, Tone.GOOD, _("It is over.")),
}
NO_CHANNEL = _("Nobody gets a notice of alerts: no channel is on.")


def alert_page(pk: int) -> str:
    return reverse("web:alert", args=[pk])


class AlertTable(ListingTable):
    look = StatusColumn(ALERT_LOOKS, verbose_name=_("State"), orderable=False)
    part = Column(verbose_name=_("Part"), linkify=lambda record: alert_page(record.pk), attrs=ROW_LINK)
    words = TextColumn(verbose_name=_("What Is Wrong"), orderable=False)
    since = TimeColumn(verbose_name=_("Since"), orderable=False)
    fired_at = TimeColumn(verbose_name=_("Fired"))
    cleared_at = TimeColumn(verbose_name=_("Cleared"), orderable=False)
    acknowledged_by_name = Column(verbose_name=_("Acknowledged By"), orderable=False)
    to_do = TextColumn(verbose_name=_("What To Do"), orderable=False)
    explained = Column(
        accessor="pk", verbose_name=_("Explained By"), orderable=False, exclude_from_export=True, attrs=ON_SCREEN
    )

    card_columns = ("look", "part", "words", "fired_at")

    def render_explained(self, record: Alert) -> SafeString | str:
        address = explaining_url(record)
        if not address:
            return "—"
        words = gettext('Open the page<span class="visually-hidden"> that explains {part}</span>')
        return format_html('<a href="{}">{}</a>', address, format_html(words, part=record.part))


class StateFilter(SwitchFilter):
    ALL = "all"

    def __init__(self) -> None:
        choices = [(AlertState.CLEARED, _("Cleared")), (self.ALL, pgettext_lazy("alerts", "All"))]
        super().__init__(label=_("Alerts"), choices=choices, empty_label=_("Not cleared"))

    def filter(self, qs: AlertQuerySet, value: str) -> AlertQuerySet:
        if value == self.ALL:
            return qs
        return qs.in_state(value) if value else qs.open()


class AlertFilters(ListingFilterSet):
    which = StateFilter()
    fired = DateRangeFilter("fired_at", label=_("Fired"), default_days=None)
    part = ValuesFilter(label=_("Part"))


class Alerts(ToolListing):
    """The alerts, the newest first."""

    table_class = AlertTable
    filterset_class = AlertFilters
    default_sort = "-fired_at"
    export_name = "alerts"
    row_name = _("alerts")
    api_resource = "alerts"
    template_name = "web/alerts/list.html"

    @property
    def may_change(self) -> bool:
        return bool(self.user.may(self.tool, Right.WRITE))

    def get_queryset(self) -> AlertQuerySet:
        return Alert.objects.with_looks()

    def notices(self) -> list[str]:
        channels = list(AlertChannel.objects.active())
        failing = [
            gettext("The channel %(channel)s fails: %(error)s") % {"channel": channel.name, "error": channel.error}
            for channel in channels
            if channel.error
        ]
        return failing if channels else [str(NO_CHANNEL)]
