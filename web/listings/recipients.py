"""The recipients of one message: every device of every recipient, and its result."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ALL_SCHOOLS, Scope
from core.statuses import Shape, Status, Tone
from core.text import visible
from listings.columns import ON_SCREEN, AddressColumn, Column, ListingTable, StatusColumn, TimeColumn
from listings.elements import folded, one_line
from listings.exports import DUPLICATE
from listings.filters import MAX_VALUES, ContainsFilter, ExactFilter, ListingFilterSet, OptionFilter, ValuesFilter
from listings.paging import Sort
from messenger_logs.cancel_figures import FIGURES as CANCEL_FIGURES
from messenger_logs.cancel_figures import REPORTED_LATER, rows_of_figure
from messenger_logs.choices import EMAIL_FAILURES, DeliveryStatus, LinkedBy, Mode, Outcome, Reach
from messenger_logs.delivery_summary import FIGURES, PEOPLE
from messenger_logs.languages import normalized_language
from messenger_logs.models import Delivery, PersonReach, Recipient, School
from messenger_logs.querysets import CONTACTED, EMAIL_ROWS, FINAL_OUTCOME
from messenger_logs.reach_figures import NO_SCHOOL, UNKNOWN
from messenger_logs.scope_texts import scope_note
from messenger_logs.search import NormalizedText
from messenger_logs.services.addresses import mailbox, number_of, read_address
from messenger_logs.status_labels import (
    ANSWERED,
    DELIVERY_STATUSES,
    DUPLICATE_MARK,
    EMAIL_OUTCOMES,
    delivery_status,
    detail_text,
    device_text,
)
from web.device_flags import DeviceFlags
from web.listings.of_message import MessageListing
from web.message_access import may_see_values

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# How the provider's word was found for e-mail that another system sent. Our own has our mark, which needs no word.
_KNOWN_BY: dict[str, StrOrPromise] = {
    LinkedBy.MESSAGE_ID: _("Found by Message-Id and address."),
    LinkedBy.SUBJECT: _("Found by address, subject and time."),
}


class DeliveryStatusColumn(StatusColumn):
    """The status of a device. A call that was answered does not look like one that came to nothing."""

    def __init__(self) -> None:
        super().__init__(DELIVERY_STATUSES, verbose_name=_("Status"))
        self.legend = [*self.legend, ANSWERED]

    def status(self, record: Delivery) -> Status:
        return delivery_status(record.status, record.outcome)


class EmailOutcomeColumn(StatusColumn):
    """The final result that the e-mail provider reported, how we know it, and a flag if it contradicts our Sent."""

    def status(self, record: Delivery) -> Status:
        found = self.statuses.get(record.email_outcome)
        return found or Status(record.email_outcome, Shape.RING, Tone.NEUTRAL)

    def render(self, record: Delivery) -> SafeString:
        contradicts = record.status == DeliveryStatus.SENT and record.email_outcome in EMAIL_FAILURES
        said = gettext("Sent, but not delivered")
        flag = format_html('<p class="flag">{} {}</p>', Shape.TRIANGLE, said) if contradicts else ""
        reason = format_html('<p class="reason">{}</p>', folded(record.email_reason)) if record.email_reason else ""
        known = _KNOWN_BY.get(record.email_linked_by, "")
        key = format_html('<p class="reason">{}</p>', known) if known else ""
        return format_html("{} {}{}{}", super().render(record), flag, reason, key)

    def value(self, record: Delivery) -> str:
        return ": ".join(filter(None, [self.status(record).in_english, record.email_reason]))


def _as_sent(record: Delivery, table: RecipientTable) -> str:
    return f"{table.listing.message_url}?recipient={record.recipient_id}"


class RecipientTable(ListingTable):
    recipient = Column(accessor="recipient__name", order_by="recipient__plain_name", verbose_name=_("Recipient"))
    student = Column(accessor="recipient", order_by="recipient__plain_student_name", verbose_name=_("Student"))
    mode = Column(accessor="mode", verbose_name=_("Delivery Mode"))
    device = AddressColumn(accessor="address", verbose_name=_("Device"))
    status = DeliveryStatusColumn()
    detail = Column(verbose_name=_("Status Detail"), empty_values=())
    time = TimeColumn(accessor="last_attempt_at", verbose_name=_("Time"), orderable=False)
    provider = EmailOutcomeColumn(
        EMAIL_OUTCOMES, accessor="email_outcome", verbose_name=_("E-mail Provider Says"), orderable=False
    )
    as_sent = Column(
        accessor="pk",
        verbose_name=_("Message"),
        orderable=False,
        linkify=_as_sent,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    card_columns: ClassVar[Collection[str]] = ("recipient", "status", "detail")

    def render_student(self, value: Recipient) -> str:
        number = f"({value.student_number})" if value.student_number else ""
        return " ".join(filter(None, [value.student_name, number])) or "—"

    def value_student(self, value: Recipient) -> str:
        return self.render_student(value).replace("—", "")

    def render_mode(self, record: Delivery) -> str:
        return str(Mode(record.mode).label)

    def render_device(self, record: Delivery) -> SafeString | str:
        device = one_line(device_text(record.mode, record.address, record.given_address))
        title = gettext("Duplicate in this message")
        mark = format_html('<abbr title="{}">{}</abbr>', title, DUPLICATE_MARK)
        marked = format_html("{} {}", device, mark) if record.duplicate else device
        return format_html("{}{}", marked, self.listing.devices.flag(record))

    def value_device(self, record: Delivery) -> str:
        mark = DUPLICATE if record.duplicate else ""
        return f"{device_text(record.mode, record.address, record.given_address)} {mark}".strip()

    def render_detail(self, record: Delivery) -> str:
        return detail_text(record.mode, record.detail, record.code) or "—"

    def value_detail(self, record: Delivery) -> str:
        return detail_text(record.mode, record.detail, record.code)

    def render_as_sent(self) -> str:
        return gettext("with values")


_NUMBER_AS_WRITTEN = re.compile(r"[\d\s().+-]{3,}")


# A list of people does not have these columns.
OF_A_DEVICE = ("mode", "device", "status", "detail", "time", "provider")


class NameFilter(ContainsFilter):
    """Find by a part of the recipient's name, with or without accents."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(recipient__plain_name__contains=NormalizedText(Value(value))) if value else qs


class StudentFilter(ContainsFilter):
    """Find by a part of the student's name or number."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        named = Q(recipient__plain_student_name__contains=NormalizedText(Value(value)))
        return qs.filter(named | Q(recipient__student_number__icontains=value))


class DeviceFilter(ContainsFilter):
    """Find by a part of an address or number, in any spelling. A number may be typed with its signs: (612) 555-0100.

    What cannot be used has no other form, so it is found by its text: "555-0143 (Mom)" by 555-0143.
    """

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        typed = visible(value)
        if not typed:
            return qs
        contains = f"{self.field_name}__icontains"
        return qs.filter(Q((contains, self._canonical(typed))) | Q((contains, typed)))

    def _canonical(self, typed: str) -> str:
        number = read_address(Mode.TEXT, typed)
        if not number.error:
            return number_of(number.canonical)
        digits = re.sub(r"\D", "", typed) if _NUMBER_AS_WRITTEN.fullmatch(typed) else ""
        return digits or mailbox(typed) or typed


def one_row_each(qs: QuerySet[Any]) -> QuerySet[Any]:
    """One row for each person: the first of these."""
    earlier = qs.filter(
        recipient__message=OuterRef("message"),
        recipient__person_id=OuterRef("recipient__person_id"),
        pk__lt=OuterRef("pk"),
    )
    return qs.filter(~Exists(earlier))


def of_people(qs: QuerySet[Any], scope: Scope = ALL_SCHOOLS, **kept: Any) -> QuerySet[Any]:
    """The rows of people whose kept row (`PersonReach`) has these values. Totals of people count the same rows."""
    counted = PersonReach.objects.in_scope(scope).filter(
        message=OuterRef("message"),
        recipient__message=OuterRef("message"),
        recipient__person_id=OuterRef("recipient__person_id"),
        **kept,
    )
    return qs.filter(Exists(counted))


class FigureFilter(OptionFilter):
    """Find the devices that one figure of the Delivery Summary counts, or one figure of a cancel."""

    COUNTED = "counted"
    ELIGIBLE = "eligible"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=self.figures, **kwargs)

    def figures(self) -> list[tuple[str, StrOrPromise]]:
        """Return the figures that can be chosen, with their labels in the language of the moment."""
        of_a_cancel = gettext("Canceled message: %(figure)s")
        return [
            *FIGURES,
            *((name, of_a_cancel % {"figure": label.lower()}) for name, label in CANCEL_FIGURES),
            (REPORTED_LATER, gettext("Canceled message: reported after the cancel was complete")),
            (self.COUNTED, gettext("Any total of devices")),
            (self.ELIGIBLE, gettext("Total Devices")),
            ("email_not_handed_over", gettext("E-mails that were not handed over")),
        ]

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        if value in {*dict(CANCEL_FIGURES), REPORTED_LATER}:
            return rows_of_figure(qs, value)
        if value in dict(PEOPLE):
            return self.people(qs, value)
        if value.startswith("email_"):
            return qs.filter(EMAIL_ROWS[value.removeprefix("email_")])
        counted = qs.filter(duplicate=False).exclude(status__in=[DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE])
        if value == self.COUNTED:
            return counted
        if value == self.ELIGIBLE:
            return counted.exclude(outcome=Outcome.NOT_ATTEMPTED)
        counted = counted.filter(mode=value)
        # An inbox counts once the message is in it; addresses and numbers count with any result.
        return counted.filter(outcome=Outcome.SUCCESS) if value == Mode.INBOX else counted

    def people(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """One row for each person: the first of those that the other filters find."""
        of_the_person = Delivery.objects.in_scope(self.parent.scope).filter(
            message=OuterRef("message"),
            recipient__message=OuterRef("message"),
            recipient__person_id=OuterRef("recipient__person_id"),
        )
        people = one_row_each(qs)
        if value == "recipients":
            return people
        if value == "no_device":
            return people.filter(~Exists(of_the_person.exclude(status=DeliveryStatus.NO_DEVICE)))
        # Within CASE, PostgreSQL asks about the people of the page alone, and not about all of them first.
        contacted = Case(When(Exists(of_the_person.filter(CONTACTED)), then=Value(True)), default=Value(False))
        found: QuerySet[Any] = people.alias(contacted=contacted).filter(contacted=value == "contacted_by_phone")
        return found


class SchoolFilter(ValuesFilter):
    """Find the people of a school: that of their student or, where that is not known, of the message."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(labels={UNKNOWN: NO_SCHOOL}, **kwargs)

    def values(self, rows: QuerySet[Any]) -> list[str]:
        scope = self.parent.scope
        if scope.schools is None:
            return [*School.objects.values_list("name", flat=True)[:MAX_VALUES], UNKNOWN]
        return list(School.objects.filter(pk__in=scope.schools).values_list("name", flat=True)[:MAX_VALUES])

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        # A person may be counted for the school of another child: of that one, the list says nothing.
        named: dict[str, Any] = {"school": None} if value == UNKNOWN else {"school__name": value}
        return of_people(qs, self.parent.scope, **named)


class LanguageFilter(ExactFilter):
    """Find the people whose families have a language: a tag or a name, as it is stored."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return of_people(qs, language=normalized_language(value)) if value else qs


def reach_choices() -> list[tuple[str, StrOrPromise]]:
    """Return the kinds of Reach by any mode, and by each mode, with their labels in the language of the moment."""
    by_mode = [
        (f"{mode}-{kind}", gettext("%(mode)s: %(kind)s") % {"mode": mode.label, "kind": kind.label.lower()})
        for mode in Mode
        for kind in Reach
    ]
    return [*Reach.choices, *by_mode]


class ReachFilter(OptionFilter):
    """Find the people whom the message reached, or did not: by any mode ("reached"), or by one ("email-reached")."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=reach_choices, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        *mode, kind = value.split("-")
        wanted: dict[str, Any] = {mode[0] if mode else "reach": kind}
        return one_row_each(of_people(qs, **wanted))


class OutcomeFilter(OptionFilter):
    """Find devices by what they count as: an e-mail that was sent and refused is an error."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(final_outcome=value) if value else qs


class RecipientFilters(ListingFilterSet):
    recipient = NameFilter(label=_("Recipient"))
    student = StudentFilter(label=_("Student"))
    mode = OptionFilter(label=_("Delivery Mode"), choices=Mode.choices)
    device = DeviceFilter("address", label=_("Device"))
    status = OptionFilter(label=_("Status"), choices=DeliveryStatus.choices)
    outcome = OutcomeFilter(label=_("Outcome"), choices=Outcome.choices)
    school = SchoolFilter(label=_("School"))
    language = LanguageFilter(label=_("Language"))
    # The last two, because they choose among the rows that the others find.
    figure = FigureFilter(label=_("Counted in"))
    reach = ReachFilter(label=_("Reached"))

    personal = {"recipient", "student", "device"}

    # The schools whose people are listed; the list sets them.
    scope: Scope = ALL_SCHOOLS


class Recipients(MessageListing):
    """Every device of every recipient of a message, and its result."""

    table_class = RecipientTable
    filterset_class = RecipientFilters
    default_sort = "recipient"
    export_name = "recipients"
    row_name = _("recipients")
    part = "recipients"
    title_text = _("Recipients of %(subject)s")
    template_name = "web/message_recipients.html"
    api_resource = "deliveries"
    exact_up_to = 100_000
    filterset: RecipientFilters
    devices = DeviceFlags()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filterset.scope = self.scope

    def get_queryset(self) -> QuerySet[Delivery]:
        deliveries = Delivery.objects.filter(message=self.message).in_scope(self.scope)
        return deliveries.select_related("recipient").annotate(final_outcome=FINAL_OUTCOME)

    def column_sort(self) -> Sort:
        sort = super().column_sort()
        if not sort.path.startswith("recipient__"):
            return sort
        restated = Q(recipient__message=self.message)
        if self.scope.schools is not None:
            restated &= Q(recipient__school__in=self.scope.schools)
        return replace(sort, restated=restated)

    @property
    def lists_people(self) -> bool:
        """Whether each person has one row, because the figure counts people."""
        return self.values.get("figure") in dict(PEOPLE) or bool(self.values.get("reach"))

    def hidden_columns(self) -> Collection[str]:
        hidden = () if may_see_values(self.user, self.tool) else ("as_sent",)
        return (*hidden, *OF_A_DEVICE) if self.lists_people else hidden

    def notices(self) -> list[str]:
        return [*filter(None, [scope_note(self.message, self.scope)]), *self.row_notices()]

    def row_notices(self) -> list[str]:
        if self.lists_people:
            return [gettext("Each person has one row here. Take the filter away to see their devices.")]
        notices = [gettext("A recipient has a row for each device, and for each student the message was about.")]
        if any(row.duplicate for row in self.page.rows):
            told = gettext(
                "%(mark)s This address or number is in the message more than once; it got the message once and counts"
                " once."
            )
            notices.append(told % {"mark": DUPLICATE_MARK})
        return notices

    def complete_rows(self, rows: list[Delivery]) -> None:
        self.devices = DeviceFlags.of(rows, user=self.user)
