"""The Audit Trail: every recorded action, newest first."""

from __future__ import annotations

from typing import Any

from django.forms import TextInput
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.listings import ToolListing
from accounts.models import AuditEvent
from accounts.querysets import AuditEventQuerySet
from accounts.services import hashed_search
from listings.columns import Column, ListingTable, TimeColumn
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet, OptionFilter

OF_NO_SCHOOL = "What is in the trail is of no school. It is shown to those who have this tool for all schools."
# A longer detail is folded, in characters.
SHORT_DETAIL = 100


def action_text(action: str) -> str:
    """Return an action as people read it: "user_group.rights_changed" is "User group: rights changed"."""
    return action.replace(".", ": ").replace("_", " ").capitalize()


class AuditTable(ListingTable):
    occurred_at = TimeColumn(seconds=True, verbose_name="When")
    who = Column(verbose_name="Who", empty_values=(), orderable=False)
    action = Column(verbose_name="Action")
    target = Column(verbose_name="What or whom", orderable=False)
    details = Column(verbose_name="Details", empty_values=({},), orderable=False)

    def render_who(self, value: str) -> str:
        return value or "Nobody signed in"

    def render_action(self, value: str) -> str:
        return action_text(value)

    def render_details(self, value: dict[str, Any]) -> SafeString:
        return format_html_join("\n", "{}", ((detail_element(name, words),) for name, words in detail_lines(value)))

    def value_details(self, value: dict[str, Any]) -> str:
        return "; ".join(f"{name}: {words}" for name, words in detail_lines(value))


def detail_element(name: str, words: str) -> SafeString:
    """Return one detail as HTML; a long one is folded."""
    folded = len(words) > SHORT_DETAIL
    form = "<details><summary>{}</summary>{}</details>" if folded else "<div><strong>{}:</strong> {}</div>"
    return format_html(form, name, words)


def detail_lines(details: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the details of an event as pairs of label and value. "Before" and "after" come last, in this order."""
    order = {"before": 1, "after": 2}  # jsonb keeps no order
    names = sorted(details, key=lambda name: (order.get(name, 0), name))
    return [(name.replace("_", " "), value_text(details[name])) for name in names]


def value_text(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return "none"
        case list():
            return ", ".join(value_text(part) for part in value)
        case dict():
            return ", ".join(f"{name}: {value_text(part)}" for name, part in value.items())
    return str(value)


def actions() -> list[tuple[str, str]]:
    return [(action, action_text(action)) for action in AuditEvent.objects.actions()]


class SearchFilter(ContainsFilter):
    """Find the searches for just this text, and the looks at the record of the person with this id."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.of_search(hashed_search(value)) | qs.of_person(value) if value else qs


class AuditFilters(ListingFilterSet):
    happened = DateRangeFilter("occurred_at", label="Happened", default_days=7)
    who = ContainsFilter(label="Who")
    action = OptionFilter(label="Action", choices=actions)
    target = ContainsFilter(label="What or whom")
    searched = SearchFilter(label="Searched for, or person id", widget=TextInput(attrs={"type": "search"}))

    personal = {"searched"}


class AuditTrail(ToolListing):
    table_class = AuditTable
    filterset_class = AuditFilters
    default_sort = "-occurred_at"
    export_name = "audit-trail"
    row_name = "events"

    def get_queryset(self) -> AuditEventQuerySet:
        return AuditEvent.objects.visible_to(self.user)

    def notices(self) -> list[str]:
        return [] if self.scope.everything else [OF_NO_SCHOOL]
