"""The Audit Trail: every recorded action, newest first."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.forms import TextInput
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.models import AuditEvent
from accounts.querysets import AuditEventQuerySet
from accounts.services import hashed_search
from core.dates import time_text
from imports.models import ImportJob
from listings.columns import WIDE, Column, ListingTable, TimeColumn
from listings.filters import ContainsFilter, DateRangeFilter, IdFilter, ListingFilterSet, OptionFilter
from listings.listing import View
from listings.registry import registry
from messenger_logs.models import SentMessage
from web.audit_names import name_of, with_names
from web.audit_sentences import action_text, audit_sentence, said_by_sentence

OF_NO_SCHOOL = _("What is in the trail is of no school. It is shown to those who have this tool for all schools.")
# A longer detail is folded, in characters.
SHORT_DETAIL = 100
WHOLE = _("The chain of this trail was checked {at}, and nobody had changed it.")
BROKEN = _("The chain of this trail was checked {at}, and it is broken: {first} Tell your administrator.")


class AuditTable(ListingTable):
    """What happened is a sentence, with what it leaves out below. A file has its parts as columns, for a program."""

    occurred_at = TimeColumn(seconds=True, verbose_name=_("When"))
    sentence = Column(accessor="action", verbose_name=_("What happened"), orderable=False, attrs=WIDE)
    who = Column(verbose_name=_("Who"), empty_values=(), orderable=False, on_page=False)
    action = Column(verbose_name=_("Action"), on_page=False)
    target = Column(verbose_name=_("What or whom"), orderable=False, on_page=False)
    details = Column(accessor="pk", verbose_name=_("Details"), orderable=False, on_page=False)

    def render_sentence(self, record: AuditEvent) -> SafeString:
        details = format_html_join("", "{}", ((detail_element(name, words),) for name, words in detail_lines(record)))
        return format_html("{}{}", audit_sentence(record), details)

    def value_sentence(self, record: AuditEvent) -> str:
        return audit_sentence(record)

    def render_who(self, value: str) -> str:
        return value or gettext("Nobody signed in")

    def render_action(self, value: str) -> str:
        return action_text(value)

    def render_target(self, record: AuditEvent) -> str:
        return name_of(record)

    def value_details(self, record: AuditEvent) -> str:
        return "; ".join(f"{name}: {words}" for name, words in detail_lines(record))


def detail_element(name: str, words: str) -> SafeString:
    """Return one detail as HTML; a long one is folded."""
    folded = len(words) > SHORT_DETAIL
    form = "<details><summary>{}</summary>{}</details>" if folded else "<div><strong>{}:</strong> {}</div>"
    return format_html(form, name, words)


def detail_lines(event: AuditEvent) -> list[tuple[str, str]]:
    """Return what the sentence of an event does not say, as pairs of label and value.

    "Before" and "after" come last, in this order.
    """
    order = {"before": 1, "after": 2}  # jsonb keeps no order
    said = said_by_sentence(event.action) | {"as"}
    names = sorted(event.details.keys() - said, key=lambda name: (order.get(name, 0), name))
    return [(detail_label(name), detail_text(name, event.details[name])) for name in names]


# The labels of details. Others read as they are named in the code.
LABELS = {
    "account": pgettext_lazy("details", "Account"),
    "account_id": _("Account"),
    "after": pgettext_lazy("details", "After"),
    "alert": pgettext_lazy("details", "Alert"),
    "ambiguous": _("Events that fit several e-mails"),
    "answer": pgettext_lazy("details", "Answer"),
    "as": _("Seen as"),
    "because": pgettext_lazy("details", "Because"),
    "before": pgettext_lazy("details", "Before"),
    "begun": pgettext_lazy("details", "Begun"),
    "bytes": _("Size in bytes"),
    "changed": pgettext_lazy("details", "Changed"),
    "days": pgettext_lazy("details", "Days"),
    "devices": pgettext_lazy("details", "Devices"),
    "email": _("E-mail address"),
    "events": pgettext_lazy("details", "Events"),
    "fields": pgettext_lazy("details", "Fields"),
    "filters": pgettext_lazy("details", "Filters"),
    "first_name": pgettext_lazy("details", "First name"),
    "format": pgettext_lazy("details", "Format"),
    "gone": pgettext_lazy("details", "Gone"),
    "group": pgettext_lazy("details", "Group"),
    "groups": pgettext_lazy("details", "Groups"),
    "hung_up": _("Hung up while ringing"),
    "import": pgettext_lazy("details", "Import"),
    "is_active": _("May sign in"),
    "is_staff": _("May open Django's admin"),
    "is_superuser": _("Superuser"),
    "last_name": pgettext_lazy("details", "Last name"),
    "left": pgettext_lazy("details", "Left"),
    "log": pgettext_lazy("details", "Log"),
    "map": pgettext_lazy("details", "Map"),
    "members": pgettext_lazy("details", "Members"),
    "message": pgettext_lazy("details", "Message"),
    "messages": pgettext_lazy("details", "Messages"),
    "method": pgettext_lazy("details", "Method"),
    "never_started": _("Never started"),
    "not_to_try": _("Not to be tried"),
    "not_tried": pgettext_lazy("details", "Not tried"),
    "owner": pgettext_lazy("details", "Owner"),
    "people": pgettext_lazy("details", "People"),
    "person": pgettext_lazy("details", "Person"),
    "pk": _("Number"),
    "problems": pgettext_lazy("details", "Problems"),
    "provider": pgettext_lazy("details", "Provider"),
    "reason": pgettext_lazy("details", "Reason"),
    "recipients": pgettext_lazy("details", "Recipients"),
    "report": pgettext_lazy("details", "Report"),
    "request": pgettext_lazy("details", "Request"),
    "rights": pgettext_lazy("details", "Rights"),
    "rows": pgettext_lazy("details", "Rows"),
    "schedule": pgettext_lazy("details", "Schedule"),
    "schools": pgettext_lazy("details", "Schools"),
    "searched": _("Searched for"),
    "second_factor": pgettext_lazy("details", "Second factor"),
    "sha256": _("Checksum (SHA-256)"),
    "shown": pgettext_lazy("details", "Shown"),
    "state": pgettext_lazy("details", "State"),
    "status": pgettext_lazy("details", "Status"),
    "stored": pgettext_lazy("details", "Stored"),
    "through": pgettext_lazy("details", "Through"),
    "tokens": pgettext_lazy("details", "Tokens"),
    "until": pgettext_lazy("details", "Until"),
    "username": pgettext_lazy("details", "Username"),
    "view": pgettext_lazy("details", "View"),
    "waiting": pgettext_lazy("details", "Waiting"),
}
SEARCHED = _("a text that is kept here as a code alone; the filter finds it")


def detail_label(name: str) -> str:
    if name in LABELS:
        return str(LABELS[name])
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def detail_text(name: str, value: Any) -> str:
    return str(SEARCHED) if name == "searched" else value_text(value)


def value_text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return pgettext("details", "none")
    match value:
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            return ", ".join(value_text(part) for part in value)
        case dict():
            return ", ".join(f"{detail_label(name)}: {detail_text(name, part)}" for name, part in value.items())
    return str(value)


def actions() -> list[tuple[str, str]]:
    """Return the actions that occur, with their words, in the order of these."""
    return sorted(((action, action_text(action)) for action in AuditEvent.objects.actions()), key=lambda pair: pair[1])


class SearchFilter(ContainsFilter):
    """Find the searches for just this text, and the looks at the record of the person with this id."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.of_person(value, hashed=hashed_search(value)) if value else qs


class MessageFilter(IdFilter):
    """Find all that was done with a message."""

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.of_message(int(value)) if value else qs


# The newest messages and files of a name. What was done with an older message is found by its number.
MOST = 2_000


class TargetFilter(ContainsFilter):
    """Find what was done with something of this name: also by the subject of a message, and the name of a file."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        messages = SentMessage.objects.with_subject(value).order_by("-pk").values_list("pk", flat=True)
        files = ImportJob.objects.filter(file_name__icontains=value).order_by("-pk").values_list("pk", flat=True)
        about = Q(details__message__in=list(messages[:MOST])) | Q(details__import__in=list(files[:MOST]))
        return qs.filter(Q(target__icontains=value) | about)


# What was done with one thing is little, and it is asked for long afterwards.
DAYS, DAYS_OF_ONE = 7, 366


class AuditFilters(ListingFilterSet):
    happened = DateRangeFilter("occurred_at", label=_("Happened"), default_days=DAYS)
    message = MessageFilter(label=_("Number of a message"))
    who = ContainsFilter(label=_("Who"))
    action = OptionFilter(label=_("Action"), choices=actions)
    target = TargetFilter(label=_("What or whom"))
    searched = SearchFilter(label=_("Person id, or what was searched"), widget=TextInput(attrs={"type": "search"}))

    personal = {"searched"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data.get("message") or self.data.get("searched"):
            self.form.fields["happened"].default_days = DAYS_OF_ONE


class AuditListing(ToolListing):
    """The base of the lists of the audit trail."""

    table_class = AuditTable
    default_sort = "-occurred_at"
    row_name = _("events")

    @property
    def views(self) -> list[View]:
        names = {"audit_trail": gettext("Audit Trail"), "who_saw": gettext("Who Saw")}
        return [View(label, registry[name].url(), current=self.entry.name == name) for name, label in names.items()]

    def get_queryset(self) -> AuditEventQuerySet:
        return with_names(AuditEvent.objects.visible_to(self.user).as_looks())


class AuditTrail(AuditListing):
    filterset_class = AuditFilters
    export_name = "audit-trail"
    # It says what people did: who looks at it leaves a row in it, too.
    shows_people = True

    def notices(self) -> list[str]:
        of_no_school = [] if self.scope.everything else [str(OF_NO_SCHOOL)]
        checked = AuditEvent.objects.chain_checks().first()
        if checked is None:
            return of_no_school
        words = BROKEN if checked.action == "audit.broken" else WHOLE
        return [*of_no_school, words.format(at=time_text(checked.occurred_at), first=checked.details.get("first", ""))]
