"""Reach: how many people the messages of some days reached, by school, message type, language and week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.listings import ToolListing
from accounts.scopes import ALL_SCHOOLS, Scope
from accounts.tools import Tool
from listings.columns import ROW_LINK, Column, ListingTable, NumberColumn, TimeColumn
from listings.filters import DateRangeFilter, OptionFilter, SwitchFilter, ValuesFilter
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
from web.listings.message_filters import SubjectFilter
from web.listings.reach_filters import ALL, LanguageFilter, ReachedByFilter, ReachFilterSet, SchoolFilter
from web.message_urls import drill_url, message_logs, message_url


def _message_address(record: SentMessage, table: ReachTable) -> str | None:
    tool = table.listing.logs.get(record.pk)
    return message_url(tool, record.pk) if tool else None


class PeopleColumn(NumberColumn):
    """How many people of the message are of one kind of Reach; a link to them for those who may see them."""

    def __init__(self, kind: str, label: str) -> None:
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
    date = TimeColumn(accessor="scheduled_at", verbose_name="Date")
    subject = Column(
        verbose_name="Message Subject", linkify=_message_address, attrs=ROW_LINK, empty_values=(), orderable=False
    )
    message_type = Column(verbose_name="Message Type")
    school_name = Column(verbose_name="District/School")
    drill = Column(verbose_name="Drill", orderable=False, empty_values=())
    people = PeopleColumn(ALL, "People")
    percent = Column(accessor="pk", verbose_name="Reached %", orderable=False, attrs={"cell": {"class": "number"}})
    reached = PeopleColumn(Reach.REACHED, REACH[Reach.REACHED].word)
    unconfirmed = PeopleColumn(Reach.UNCONFIRMED, REACH[Reach.UNCONFIRMED].word)
    not_reached = PeopleColumn(Reach.NOT_REACHED, REACH[Reach.NOT_REACHED].word)
    no_device = PeopleColumn(Reach.NO_DEVICE, REACH[Reach.NO_DEVICE].word)
    canceled = PeopleColumn(Reach.CANCELED, REACH[Reach.CANCELED].word)

    outcome_column = "percent"
    card = ("subject", "percent", "date")

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject

    def render_drill(self, record: SentMessage) -> SafeString | str:
        if not record.drill:
            return ""
        return format_html('<a href="{}">compare</a>', self.listing.drill_url(record))

    def value_drill(self, record: SentMessage) -> str:
        return "yes" if record.drill else ""

    def render_percent(self, record: SentMessage) -> str:
        percent = read_people(record).percent_reached
        return "—" if percent is None else str(percent)

    def value_percent(self, record: SentMessage) -> str:
        return self.render_percent(record).replace("—", "")


class ByFilter(SwitchFilter):
    """What the figures above the list are broken down by. The list stays as it is."""

    def __init__(self) -> None:
        choices = [(one.value, f"By {one.label.lower()}") for one in Dimension if one is not Dimension.SCHOOL]
        super().__init__(label="Figures", choices=choices, empty_label="By school")

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs


class DrillFilter(OptionFilter):
    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(drill=value == "only") if value else qs


class ReachFilters(ReachFilterSet):
    by = ByFilter()
    sent = DateRangeFilter("scheduled_at", label="Sent", default_days=30)
    school = SchoolFilter()
    language = LanguageFilter()
    mode = ReachedByFilter()
    message_type = ValuesFilter(label="Message Type")
    drill = DrillFilter(label="Drill", choices=[("only", "only drills"), ("without", "no drills")])
    subject = SubjectFilter(label="Message Subject")

    @cached_property
    def unbounded(self) -> Rows:
        rows: Any = super().unbounded
        return with_people(rows, self.which)


@dataclass(frozen=True)
class Cell:
    """The people of a group by one mode, and the filters that list their messages."""

    people: People
    filters: dict[str, str]

    @property
    def shade(self) -> int:
        """From 0 (nobody reached) to 10 (everybody)."""
        return (self.people.percent_reached or 0) // 10


@dataclass(frozen=True)
class Line:
    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class HeatMap:
    """The people of each group by each mode."""

    by: Dimension
    lines: list[Line]
    columns = ["Any device", *Mode.labels]


class ReachList(ToolListing):
    """The messages of some days with the people whom they reached, and the figures of all of them by groups.

    All figures come from the kept totals of the user's schools. Messages that wait are left out.
    """

    table_class = ReachTable
    filterset_class = ReachFilters
    filterset: ReachFilters
    default_sort = "-date"
    export_name = "reach"
    row_name = "messages"
    report_kind = "reach"
    template_name = "listings/page.html"
    summary_template_name = "web/_heat_map.html"
    api_resource = "reach"
    heat_map: HeatMap | None = None
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
        self.heat_map = HeatMap(self.by, [*self.lines()])

    def notices(self) -> list[str]:
        return [
            *counted_note(self.counted),
            "A person counts once for each message. The percentage is of all people who were to be reached: a canceled"
            " message is no failure. Every number opens the messages or the people behind it.",
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

    # The figures above the list

    @property
    def by(self) -> Dimension:
        wanted = self.values.get("by", "")
        return Dimension(wanted) if wanted in Dimension.values else Dimension.SCHOOL

    def groups(self) -> list[Group]:
        messages: Any = self.filterset.qs
        return breakdown(messages, self.by, self.filterset.which)

    def lines(self) -> Iterator[Line]:
        groups = self.groups()
        for group in [*groups, all_of(groups)] if len(groups) > 1 else groups:
            of_group = self.filters_of(group) if group in groups else {}
            cells = [Cell(group.by(mode), of_group | ({"mode": mode} if mode else {})) for mode in MODES]
            yield Line(group.label, cells)

    def filters_of(self, group: Group) -> dict[str, str]:
        """Return the filters that leave the messages and people of a group."""
        if self.by is Dimension.WEEK:
            days = week(group.value)
            first, last = self.period.cut(*days) if self.period else days
            return {"sent_from": first.isoformat(), "sent_to": last.isoformat()}
        return {self.by.value: str(group.value or UNKNOWN)}
