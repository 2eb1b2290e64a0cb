"""Reach: how many people the messages of some days reached, by school, message type, language and week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.scopes import ALL_SCHOOLS, Scope
from accounts.tools import Tool
from core.dates import written
from listings.columns import ROW_LINK, Column, ListingTable, NumberColumn, TimeColumn
from listings.dates import Days
from listings.filters import DateRangeFilter, OptionFilter, SwitchFilter, ValuesFilter
from listings.listing import View
from listings.paging import Rows
from messenger_logs.choices import Mode, Reach
from messenger_logs.models import ReachTotals, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People
from messenger_logs.reach_figures import (
    MODES,
    UNKNOWN,
    Dimension,
    Group,
    all_of,
    breakdown,
    read_people,
    week,
    with_people,
)
from messenger_logs.scope_texts import counted_note
from messenger_logs.status_labels import REACH
from web.charts import BarChart, HeatLine, HeatMap, Part
from web.charts import Column as ChartColumn
from web.listings.message_filters import SubjectFilter
from web.listings.reach_filters import ALL, LanguageFilter, ReachedByFilter, ReachFilterSet, SchoolFilter
from web.message_urls import drill_url, message_logs, message_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def _message_address(record: SentMessage, table: ReachTable) -> str | None:
    tool = table.listing.logs.get(record.pk)
    return message_url(tool, record.pk) if tool else None


class PeopleColumn(NumberColumn):
    """How many people of the message are of one kind of Reach; a link to them for those who may see them."""

    def __init__(self, kind: str, label: StrOrPromise) -> None:
        super().__init__(accessor="pk", verbose_name=label, orderable=False)
        self.kind = kind

    def number(self, record: SentMessage) -> int:
        people = read_people(record)
        return people.total if self.kind == ALL else int(getattr(people, self.kind))

    def render(self, value: int, record: Any = None, table: Any = None) -> str:
        number = f"{self.number(record):,}"
        url = table.listing.people_url(record, self.kind)
        return format_html('<a href="{}">{}</a>', url, number) if url else number

    def value(self, value: int, record: Any = None) -> int:
        return self.number(record)


class ReachTable(ListingTable):
    date = TimeColumn(accessor="scheduled_at", verbose_name=_("Date"))
    subject = Column(
        verbose_name=_("Message Subject"), linkify=_message_address, attrs=ROW_LINK, empty_values=(), orderable=False
    )
    message_type = Column(verbose_name=_("Message Type"))
    school_name = Column(verbose_name=_("District/School"))
    drill = Column(verbose_name=_("Drill"), orderable=False, empty_values=())
    people = PeopleColumn(ALL, _("People"))
    percent = Column(accessor="pk", verbose_name=_("Reached %"), orderable=False, attrs={"cell": {"class": "number"}})
    reached = PeopleColumn(Reach.REACHED, REACH[Reach.REACHED].word)
    unconfirmed = PeopleColumn(Reach.UNCONFIRMED, REACH[Reach.UNCONFIRMED].word)
    not_reached = PeopleColumn(Reach.NOT_REACHED, REACH[Reach.NOT_REACHED].word)
    no_device = PeopleColumn(Reach.NO_DEVICE, REACH[Reach.NO_DEVICE].word)
    canceled = PeopleColumn(Reach.CANCELED, REACH[Reach.CANCELED].word)

    outcome_column = "percent"
    card_columns = ("subject", "percent", "date")

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject

    def render_drill(self, record: SentMessage) -> SafeString | str:
        if not record.drill:
            return ""
        return format_html('<a href="{}">{}</a>', self.listing.drill_url(record), gettext("compare"))

    def value_drill(self, record: SentMessage) -> str:
        return gettext("yes") if record.drill else ""

    def render_percent(self, record: SentMessage) -> str:
        percent = read_people(record).percent_reached
        return "—" if percent is None else str(percent)

    def value_percent(self, record: SentMessage) -> str:
        return self.render_percent(record).replace("—", "")


_BY = {
    Dimension.SCHOOL: _("By school"),
    Dimension.TYPE: _("By message type"),
    Dimension.LANGUAGE: _("By language"),
    Dimension.WEEK: _("By week"),
}


class ByFilter(SwitchFilter):
    """What the figures above the list are broken down by. The list stays as it is."""

    def __init__(self) -> None:
        choices = [(one.value, words) for one, words in _BY.items() if one is not Dimension.SCHOOL]
        super().__init__(label=_("Figures"), choices=choices, empty_label=_BY[Dimension.SCHOOL])

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


class DrillFilter(OptionFilter):
    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(drill=value == "only") if value else qs


class ReachFilters(ReachFilterSet):
    by = ByFilter()
    sent = DateRangeFilter("scheduled_at", label=pgettext_lazy("date", "Sent"), default_days=30)
    school = SchoolFilter()
    language = LanguageFilter()
    mode = ReachedByFilter()
    message_type = ValuesFilter(label=_("Message Type"))
    drill = DrillFilter(label=_("Drill"), choices=[("only", _("only drills")), ("without", _("no drills"))])
    subject = SubjectFilter(label=_("Message Subject"))

    @cached_property
    def unbounded(self) -> Rows:
        rows: Any = super().unbounded
        return with_people(rows, self.which)


@dataclass(frozen=True)
class Cell:
    """The people of a group by one mode, and the filters that list their messages."""

    people: People
    filters: Mapping[str, str]

    @property
    def percent(self) -> int | None:
        return self.people.percent_reached

    @property
    def words(self) -> str:
        return gettext("%(reached)s of %(total)s") % {
            "reached": f"{self.people.reached:,}",
            "total": f"{self.people.meant:,}",
        }


# The kinds of people in the bars of weeks, from the bottom to the top. Who was spared by a cancel is in none.
_IN_BARS = (Reach.REACHED, Reach.UNCONFIRMED, Reach.NOT_REACHED, Reach.NO_DEVICE)


class ReachList(ToolListing):
    """The messages of some days with the people whom they reached, and the figures of all of them by groups.

    All figures come from the kept totals of the user's schools. Messages that wait are left out.
    """

    table_class = ReachTable
    filterset_class = ReachFilters
    filterset: ReachFilters
    default_sort = "-date"
    export_name = "reach"
    row_name = _("messages")
    report_kind = "reach"
    template_name = "listings/page.html"
    summary_template_name = "web/_reach_figures.html"
    api_resource = "reach"
    heat_map: HeatMap[Cell] | None = None
    weeks: BarChart | None = None
    # The log that shows each message of the page to the user, by id.
    logs: Mapping[int, Tool] = MappingProxyType({})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = self.filterset.bounds
        messages = self.get_queryset().filter(days.condition()) if days else self.get_queryset().none()
        self.filterset.scope = self.counted
        totals = ReachTotals.objects.in_scope(self.counted)
        self.filterset.totals = totals.filter(message__in=messages.order_by().values("pk"))

    @property
    def counted(self) -> Scope:
        """The schools whose people count. In own messages, which alone the user's own tool shows, everybody counts."""
        return ALL_SCHOOLS if self.tool is Tool.REACH else self.scope

    def get_queryset(self) -> SentMessageQuerySet:
        messages = SentMessage.objects.visible_to(self.user, self.tool).begun()
        return messages.with_school_name().defer("bodies", "attachments", "criteria")

    def complete_rows(self, rows: list[SentMessage]) -> None:
        self.logs = message_logs(self.user, [row.pk for row in rows]) if rows else {}
        groups = self.groups()
        self.heat_map = self.heat_map_of(groups)
        self.weeks = self.weeks_of(groups if self.by is Dimension.WEEK else self.groups(Dimension.WEEK))

    def notices(self) -> list[str]:
        return [
            *counted_note(self.counted),
            gettext(
                "A person counts once for each message. The percentage is of all people who were to be reached: a"
                " canceled message is no failure. Every number opens the messages or the people behind it."
            ),
        ]

    def people_url(self, message: SentMessage, kind: str) -> str:
        """Return the address of people of a message; "" if no log shows the message to the user."""
        tool = self.logs.get(message.pk)
        if tool is None:
            return ""
        which = self.filterset.which
        query = {"reach": kind, "mode": which.mode, "school": which.school, "language": which.language}
        chosen = {name: value for name, value in query.items() if value}
        return f"{message_url(tool, message.pk, 'unreached')}?{urlencode(chosen)}"

    def drill_url(self, message: SentMessage) -> str:
        return drill_url(self.tool, message.pk)

    @property
    def views(self) -> list[View]:
        """The two months that people ask for most, with the same figures."""
        today = timezone.localdate()
        this_month = today.replace(day=1), today
        months = [
            (gettext("This month"), *this_month),
            (Days.LAST_MONTH.label.capitalize(), *Days.LAST_MONTH.on(today)),
        ]
        return [self._month(*month) for month in months]

    def _month(self, label: str, first: date, last: date) -> View:
        chosen = {"by": self.values["by"]} if "by" in self.values else {}
        days = {"sent_from": first.isoformat(), "sent_to": last.isoformat()}
        shown = self.period is not None and (self.period.first, self.period.last) == (first, last)
        return View(label, f"{self.entry.url()}?{urlencode(chosen | days)}", current=shown)

    # The figures above the list

    @property
    def by(self) -> Dimension:
        wanted = self.values.get("by", "")
        return Dimension(wanted) if wanted in Dimension.values else Dimension.SCHOOL

    def groups(self, by: Dimension | None = None) -> list[Group]:
        messages: Any = self.filterset.qs
        return breakdown(messages, by or self.by, self.filterset.which)

    def heat_map_of(self, groups: list[Group]) -> HeatMap[Cell]:
        if self.period:
            caption = gettext("People reached %(days)s, by %(group)s and mode")
        else:
            caption = gettext("People reached, by %(group)s and mode")
        caption %= {"days": self.period, "group": self.by.label.lower()}
        columns = [gettext("Any device"), *map(str, Mode.labels)]
        return HeatMap("heat", caption, str(self.by.label), columns, [*self.lines(groups)])

    def lines(self, groups: list[Group]) -> Iterator[HeatLine[Cell]]:
        for group in [*groups, all_of(groups)] if len(groups) > 1 else groups:
            of_group = self.filters_of(group, self.by) if group in groups else {}
            cells = [Cell(group.by(mode), of_group | ({"mode": mode} if mode else {})) for mode in MODES]
            yield HeatLine(group.label, cells)

    def weeks_of(self, groups: list[Group]) -> BarChart | None:
        """Return the people of each week by the mode that is chosen; None where there is only one week."""
        if len(groups) < 2:
            return None
        by_week = {week(group.value)[0]: group.by(self.filterset.which.mode) for group in groups}
        first, last = min(by_week), max(by_week)
        mondays = [first + timedelta(days=days) for days in range(0, (last - first).days + 1, 7)]
        people = [by_week.get(monday, People()) for monday in mondays]
        parts = [Part.of(REACH[kind], [one.by_kind[kind] for one in people]) for kind in _IN_BARS]
        columns = [self._week_column(*pair) for pair in zip(mondays, people, strict=True)]
        return BarChart("weeks", gettext("People reached by week"), gettext("Week"), columns, parts)

    def _week_column(self, monday: date, people: People) -> ChartColumn:
        """Return a week of the chart. It opens its messages, with the filters that are on."""
        sunday, percent = monday + timedelta(days=6), people.percent_reached
        chosen = self.filterset.shareable() | self._days(monday, sunday)
        return ChartColumn(
            f"{monday.month}/{monday.day}",
            gettext("%(first)s to %(last)s") % {"first": written(monday), "last": written(sunday)},
            note="" if percent is None else f"{percent} %",
            url=f"{self.entry.url()}?{urlencode(chosen)}" if people.total else "",
        )

    def filters_of(self, group: Group, by: Dimension) -> dict[str, str]:
        """Return the filters that leave the messages and people of a group."""
        if by is Dimension.WEEK:
            return self._days(*week(group.value))
        return {by.value: str(group.value or UNKNOWN)}

    def _days(self, first: date, last: date) -> dict[str, str]:
        """Return the filters that leave those of these days that the list shows."""
        first, last = self.period.cut(first, last) if self.period else (first, last)
        return {"sent_from": first.isoformat(), "sent_to": last.isoformat()}
