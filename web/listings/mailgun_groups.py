"""The Mailgun Message Log, grouped: by reason, by mailbox provider, or by message, with the events of each day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.forms import HiddenInput
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from core.dates import written
from core.ids import read_number
from core.timeouts import StatementTimeout, statement_timeout
from listings.columns import WIDE, Column, ListingTable, NumberColumn, StatusColumn, TimeColumn
from listings.filters import DateRangeFilter, ListingFilterSet, OptionFilter
from listings.listing import View
from listings.paging import Key, Page, Total, read_key_id
from listings.registry import registry
from mailgun_sync.choices import KINDS_WITH_REASON, EventKind, GroupBy
from mailgun_sync.freshness import freshness_notices
from mailgun_sync.groups import EventGroup, EventGroups
from mailgun_sync.models import MailgunEvent
from mailgun_sync.querysets import MailgunEventQuerySet
from web.charts import KINDS, BarChart, day_columns, parts_by_size, small_bars, weekday_and_day
from web.listings.mailgun_message_log import EVENT_STATUSES, group_name, log_views

A_WEEK = 7
# A longer name is cut in the chart; the table below has the whole of it.
LONGEST_NAME = 60


class DaysColumn(Column):
    """The events of each day as small bars. They open a table of the numbers."""

    def render(self, record: EventGroup, table: ListingTable) -> SafeString:
        numbers = [(day, record.days[day]) for day in table.listing.days]
        rows = ((weekday_and_day(day), f"{number:,}") for day, number in numbers)
        return format_html(
            '<button type="button" class="explain days" popovertarget="days-{pk}" aria-label="{said}">{bars}</button>'
            '<div id="days-{pk}" class="explanation" popover><table><tbody>{rows}</tbody></table></div>',
            pk=record.pk,
            said=gettext("Days: %(numbers)s") % {"numbers": ", ".join(map(_spoken, filter(_has_events, numbers)))},
            bars=small_bars([number for _, number in numbers]),
            rows=format_html_join("", '<tr><th scope="row">{}</th><td class="number">{}</td></tr>', rows),
        )

    def value(self, record: EventGroup) -> str:
        return "; ".join(f"{written(day)}: {number}" for day, number in sorted(record.days.items()))


def _has_events(day: tuple[date, int]) -> bool:
    return day[1] > 0


def _spoken(day: tuple[date, int]) -> str:
    return gettext("%(count)s on %(day)s") % {"count": f"{day[1]:,}", "day": written(day[0])}


class KindColumn(Column):
    """The events of one kind in a group, as a link to them."""

    def __init__(self, kind: EventKind) -> None:
        number = {"cell": {"class": "number"}}
        super().__init__(accessor="pk", verbose_name=kind.label, orderable=False, attrs=number)
        self.kind = kind

    def render(self, record: EventGroup, table: ListingTable) -> SafeString | str:
        number = record.kinds[self.kind]
        if not number:
            return "0"
        return format_html('<a href="{}">{}</a>', table.listing.rows_url(record, self.kind), f"{number:,}")

    def value(self, record: EventGroup) -> int:
        return record.kinds[self.kind]


class MailgunGroupTable(ListingTable):
    kind = StatusColumn(EVENT_STATUSES, orderable=False, verbose_name=_("Event"))
    reason = Column(accessor="pk", orderable=False, verbose_name=_("Reason"), attrs=WIDE)
    provider = Column(accessor="pk", orderable=False, verbose_name=_("Mailbox Provider"), attrs=WIDE)
    message = Column(accessor="pk", orderable=False, verbose_name=_("Subject"), attrs=WIDE)
    events = NumberColumn(initial_sort_descending=True, verbose_name=_("Events"))
    days = DaysColumn(accessor="pk", orderable=False, verbose_name=_("Days"))
    accepted = KindColumn(EventKind.ACCEPTED)
    delivered = KindColumn(EventKind.DELIVERED)
    failed_temporarily = KindColumn(EventKind.FAILED_TEMPORARILY)
    failed_permanently = KindColumn(EventKind.FAILED_PERMANENTLY)
    suppressed = KindColumn(EventKind.SUPPRESSED)
    rejected = KindColumn(EventKind.REJECTED)
    complained = KindColumn(EventKind.COMPLAINED)
    last_at = TimeColumn(verbose_name=_("Newest Event"), at_first=False)

    identity_column = "reason"
    outcome_column = "events"
    card_columns = ("reason", "provider", "message", "events")

    def _name(self, record: EventGroup) -> SafeString:
        name = group_name(record.by, record.event)
        return format_html('<a class="row-link" href="{}">{}</a>', self.listing.rows_url(record), name)

    def _value(self, record: EventGroup) -> str:
        return group_name(record.by, record.event)

    render_reason = render_provider = render_message = _name
    value_reason = value_provider = value_message = _value


KIND_COLUMNS = (
    *("accepted", "delivered", "failed_temporarily", "failed_permanently"),
    *("suppressed", "rejected", "complained"),
)
# The columns that a grouping does not have.
HIDDEN: dict[GroupBy, tuple[str, ...]] = {
    GroupBy.REASON: ("provider", "message", *KIND_COLUMNS),
    GroupBy.PROVIDER: ("kind", "reason", "message"),
    GroupBy.MESSAGE: ("kind", "reason", "provider"),
}


class CountedKindFilter(OptionFilter):
    """Count the events of one kind. Without a choice, those that the log shows; by reason, those that have one."""

    def filter(self, qs: MailgunEventQuerySet, value: str) -> MailgunEventQuerySet:
        if value:
            return qs.of_kind(EventKind(value))
        return qs.of_kinds(KINDS_WITH_REASON if self.parent.grouped_by is GroupBy.REASON else list(EventKind))


class GroupingFilter(OptionFilter):
    """What the events are grouped by. It leaves out none; buttons above the list choose it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=GroupBy.choices, widget=HiddenInput, **kwargs)

    def filter(self, qs: MailgunEventQuerySet, value: str) -> MailgunEventQuerySet:
        return qs


class MailgunGroupFilters(ListingFilterSet):
    by = GroupingFilter(label=_("Grouped"))
    created = DateRangeFilter("occurred_at", default_days=A_WEEK, days_back=settings.MAILGUN_SHOWN_DAYS)
    event = CountedKindFilter(choices=EventKind.choices, label=_("Event"))

    @property
    def grouped_by(self) -> GroupBy:
        wanted = self.data.get("by")
        return GroupBy(wanted) if wanted in GroupBy.values else GroupBy.REASON


class MailgunGroups(ToolListing):
    """The events of the user's own messages in groups; with the administration's tool, of all messages.

    A row is an EventGroup. It has the id of one of its events, so the keys of pages are those of events.
    """

    table_class = MailgunGroupTable
    filterset_class = MailgunGroupFilters
    filterset: MailgunGroupFilters
    default_sort = "-events"
    export_name = "mailgun-message-log-grouped"
    export_label = _("Generate Report")
    row_name = _("groups")
    report_kind = "mailgun"
    shows_people = True
    api_resource = "mailgun_groups"
    summary_template_name = "web/_summary_chart.html"

    def get_queryset(self) -> MailgunEventQuerySet:
        return MailgunEvent.objects.visible_to(self.user, self.tool)

    @property
    def by(self) -> GroupBy:
        return self.filterset.grouped_by

    @property
    def title(self) -> str:
        # Translators: such as "Mailgun Message Log by reason".
        return gettext("%(log)s %(grouped)s") % {"log": self.tool.label, "grouped": self.by.label.lower()}

    @cached_property
    def groups(self) -> EventGroups:
        events: Any = self.filterset.qs
        return EventGroups(events, self.by)

    @cached_property
    def days(self) -> list[date]:
        """The days that are shown; none if there can be no events on them."""
        first, last = (self.period.first, self.period.last) if self.period else (None, None)
        if first is None:
            return []
        last = last or timezone.localdate()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def hidden_columns(self) -> Collection[str]:
        return HIDDEN[self.by]

    @cached_property
    def chart(self) -> BarChart | None:
        """The events of each day by their group: the largest ones, and all others as one. Only a page reads it."""
        if not self.page.rows or len(self.days) < 2:
            return None
        try:
            with statement_timeout(self.seconds):
                return self._chart()
        except StatementTimeout:
            return None

    def _chart(self) -> BarChart:
        rows: list[EventGroup] = self.page.rows
        whole = len(rows) == self.page.total.number
        groups = rows if whole else self.groups.largest(len(KINDS) - 1)
        by_day = sum((group.days for group in rows), Counter()) if whole else self.groups.by_day()
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(self.days))
        for group in groups:
            name = self.short_name(group)
            counts[name] = [sum(pair) for pair in zip(counts[name], self._by_day(group), strict=True)]
        parts = parts_by_size(counts, whole=[by_day[day] for day in self.days])
        title = gettext("Events of each day %(grouped)s") % {"grouped": self.by.label.lower()}
        return BarChart("groups", title, gettext("Day"), day_columns(self.days), parts)

    def _by_day(self, group: EventGroup) -> list[int]:
        return [group.days[day] for day in self.days]

    def short_name(self, group: EventGroup) -> str:
        kind = f"{EVENT_STATUSES[EventKind(group.kind)].word}: " if self.by is GroupBy.REASON else ""
        return Truncator(kind + group_name(self.by, group.event)).chars(LONGEST_NAME)

    @property
    def look_details(self) -> dict[str, Any]:
        return super().look_details | {"grouped": self.by.value}

    @property
    def day_values(self) -> dict[str, str]:
        names = MailgunGroupFilters.base_filters["created"].parameters
        return {name: text for name, text in self.filterset.shareable().items() if name in names}

    @property
    def views(self) -> list[View]:
        return log_views(self, days=self.day_values, current=self.by.value)

    def rows_url(self, group: EventGroup, kind: EventKind | None = None) -> str:
        """Return the address of the log with the events of a group, or with those of one kind."""
        log = registry.of_tool(self.tool)
        assert log
        event = kind or self.values.get("event", "") or (group.kind if self.by is GroupBy.REASON else "")
        chosen = {"group": f"{self.by.value}-{group.pk}", "event": event}
        return f"{log.url()}?{urlencode({**self.day_values, **{name: text for name, text in chosen.items() if text}})}"

    # The rows

    def export_queryset(self) -> Any:
        return self.groups

    def count(self, limit: int | None = None) -> int:
        return self.groups.count(limit)

    def read_key(self, text: str, *, backward: bool) -> Key:
        pk = read_key_id(MailgunEvent, text)
        group = self.groups.like(pk) if pk else None
        if group is None:
            raise LookupError(text)
        return Key(group.pk, getattr(group, self.sort.path), backward)

    def fetch_page(self, key: Key | None) -> Page:
        backward = bool(key and key.backward)
        rows, total = self.groups.page(
            sort=self.sort.path,
            descending=self.sort.descending is not backward,
            size=self.size + 1,
            beyond=(key.value, key.pk) if key else None,
        )
        more = len(rows) > self.size
        if key and (not rows or (backward and not more)):
            # Rows were added or removed: show the whole first page instead of a part of it.
            return self.fetch_page(None)
        rows = rows[: self.size]
        if backward:
            return self._numbered(Page(rows[::-1], more_before=more, more_after=True), total)
        return self._numbered(Page(rows, more_before=key is not None, more_after=more), total)

    def _numbered(self, page: Page, total: int) -> Page:
        first = read_number(self.values.get("n", ""), largest=10**12) or 1
        latest = max(1, total - len(page.rows) + 1)
        at = min(first, latest) if page.more_after else latest
        return replace(page, first=max(at, 1) if page.more_before else 1, total=Total(total))

    def notices(self) -> list[str]:
        bounds = self.filterset.bounds
        fresh = freshness_notices(
            timezone.now(), first=bounds.low if bounds else None, last=bounds.high if bounds else None
        )
        return [*fresh, str(HELP[self.by])]


HELP = {
    GroupBy.REASON: _(
        "A group has the events whose reasons differ only in addresses, ids, times and numbers. Choose one to see its"
        " events."
    ),
    GroupBy.PROVIDER: _(
        "Google, Microsoft, Yahoo and Apple have several domains each; any other domain stands for itself. Choose a"
        " provider or a number to see the events."
    ),
    GroupBy.MESSAGE: _(
        "Events that belong to no message here are counted by their subject. Choose a subject or a number to see the"
        " events."
    ),
}
