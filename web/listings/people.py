"""People: who has an account, in which user groups and schools, and when they last signed in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.models import User
from accounts.querysets import named_like
from accounts.tools import Right
from core.statuses import Shape, Status, Tone
from listings.columns import ROW_LINK, WIDE, AddressColumn, Column, ListingTable, StatusColumn, TimeColumn
from listings.filters import ContainsFilter, ListingFilterSet, OptionFilter
from listings.listing import View
from messenger_logs.models import School

OPEN = Status(pgettext_lazy("account", "Open"), Shape.CHECK, Tone.GOOD, _("This person may sign in."))
CLOSED = Status(
    pgettext_lazy("account", "Closed"),
    Shape.CROSS,
    Tone.NEUTRAL,
    _("This person may not sign in, and has no right any more."),
)
ACCOUNT_STATES = {True: OPEN, False: CLOSED}


def person_url(pk: int) -> str:
    return reverse("web:person", args=[pk])


class PeopleTable(ListingTable):
    person = Column(
        accessor="listed_name",
        order_by="sort_name",
        verbose_name=_("Name"),
        linkify=lambda record: person_url(record.pk),
        attrs=ROW_LINK,
    )
    username = AddressColumn(verbose_name=_("Username"))
    email = Column(verbose_name=_("E-mail"), orderable=False, on_page=False)
    group = Column(accessor="pk", verbose_name=_("User Groups"), orderable=False, attrs=WIDE)
    school = Column(accessor="pk", verbose_name=_("Schools"), orderable=False, attrs=WIDE)
    last_login = TimeColumn(verbose_name=_("Last Sign-in"), orderable=False, default=pgettext_lazy("sign-in", "never"))
    state = StatusColumn(ACCOUNT_STATES, accessor="is_active", verbose_name=_("Account"), orderable=False)

    def render_group(self, record: User) -> str:
        return ", ".join(group.name for group in record.groups.all()) or "—"

    def value_group(self, record: User) -> str:
        return ", ".join(group.name for group in record.groups.all())

    def render_school(self, record: User) -> str:
        return ", ".join(map(str, record.schools.all())) or "—"

    def value_school(self, record: User) -> str:
        return ", ".join(map(str, record.schools.all()))


class PersonFilter(ContainsFilter):
    """Find people by parts of the name, the username or the e-mail address."""

    def filter(self, qs: Any, value: str) -> Any:
        return named_like(qs, value)


def group_names() -> list[tuple[str, str]]:
    return [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)]


def school_names() -> list[tuple[str, str]]:
    return [(name, name) for name in School.objects.values_list("name", flat=True)]


class PeopleFilters(ListingFilterSet):
    person = PersonFilter(label=_("Name"))
    group = OptionFilter("groups__name", label=_("User Group"), choices=group_names)
    school = OptionFilter("schools__name", label=_("School"), choices=school_names)
    state = OptionFilter("is_active", label=_("Account"), choices=[("True", OPEN.word), ("False", CLOSED.word)])

    personal = {"person"}


class People(ToolListing):
    """The people who have an account."""

    table_class = PeopleTable
    filterset_class = PeopleFilters
    default_sort = "person"
    export_name = "people"
    row_name = _("people")
    shows_people = True
    template_name = "web/people.html"

    @property
    def may_change(self) -> bool:
        return bool(self.user.may(self.tool, Right.WRITE))

    @property
    def views(self) -> list[View]:
        return [
            View(gettext("People"), self.entry.url(), current=True),
            View(gettext("Rights"), reverse("web:user_groups")),
            View(gettext("Service accounts"), reverse("web:service_accounts")),
        ]

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.listed()
